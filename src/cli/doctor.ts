import { fs, module, util } from '../builtins.ts'
import { capabilities, type Capabilities } from '../capabilities.ts'
import { examineCgroup, type Cgroup } from './doctor/cgroup.ts'
import { examineReaping, type Reaping } from './doctor/container.ts'
import { examineMachine, type Machine } from './doctor/machine.ts'
import { toText } from './doctor/text.ts'
import { fail, type Subcommand } from './subcommand.ts'

/** All that `brood doctor` finds out. */
export interface Examination {
  readonly version: string
  readonly machine: Machine
  /** What brood uses of it. */
  readonly capabilities: Capabilities
  readonly cgroup: Cgroup
  readonly reaping: Reaping
}

const help = `Usage: brood doctor [--json]

Tells what this machine supports, what brood uses of it, and whether anybody reaps orphans here.

  --json    as JSON
`

const ownVersion = (): string => {
  const path = module.createRequire(import.meta.url).resolve('#root/package.json')
  return (JSON.parse(fs.readFileSync(path, 'utf8')) as { version: string }).version
}

const examine = async (): Promise<Examination> => ({
  version: ownVersion(),
  machine: examineMachine(),
  capabilities: capabilities(),
  cgroup: examineCgroup(),
  reaping: await examineReaping(),
})

/** `brood doctor`: a look at the machine. */
export const command: Subcommand = {
  summary: 'tell what this machine supports, and who reaps orphans here',
  help,
  async main(words) {
    let json
    try {
      json = util.parseArgs({ args: words, options: { json: { type: 'boolean' } } }).values.json
    } catch (error) {
      fail(`brood doctor: ${(error as Error).message}\nTry "brood doctor --help".`)
      return
    }
    const examination = await examine()
    process.stdout.write(json === true ? `${JSON.stringify(examination, undefined, 2)}\n` : toText(examination))
  },
}

#!/usr/bin/env node
import { fail, type Subcommand } from './subcommand.ts'

/** Loaded when asked for: nobody waits for a command that he does not use. */
const SUBCOMMANDS: Record<string, () => Promise<{ command: Subcommand }>> = {
  doctor: () => import('./doctor.ts'),
  run: () => import('./run.ts'),
  kill: () => import('./kill.ts'),
  tree: () => import('./tree.ts'),
}

const help = async (): Promise<string> => {
  const lines = await Promise.all(
    Object.entries(SUBCOMMANDS).map(async ([name, load]) => `  ${name.padEnd(8)} ${(await load()).command.summary}`),
  )
  return `Usage: brood COMMAND [ARG…]\n\n${lines.join('\n')}\n\nbrood COMMAND --help tells more.\n`
}

const [name, ...args] = process.argv.slice(2)
if (name === undefined || name === '--help' || name === '-h') {
  process.stdout.write(await help())
} else {
  const load = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined
  if (load === undefined) {
    fail(`brood: there is no command "${name}"\n${await help()}`)
  } else {
    const { command } = await load()
    if (args.includes('--help') && command.parsesHelp !== true) process.stdout.write(command.help)
    else await command.main(args)
  }
}

import type { Examination } from '../doctor.ts'

const WIDTH = 40

const yes = (value: boolean): string => (value ? 'yes' : 'no')
const line = (name: string, value: string): string => `  ${name.padEnd(WIDTH)} ${value}`

/** What to do about orphans that nobody reaps; nothing where somebody does. */
export const advise = ({ reaping, capabilities }: Examination): string[] => {
  if (reaping.orphan !== 'left as a zombie') return []
  const how = capabilities.subreaper
    ? 'make the entry point `brood run -- COMMAND`, or call adoptOrphans() in the program'
    : 'make the entry point `brood run -- COMMAND`'
  return [`Nobody reaps orphans here: each one stays a zombie. To have them reaped, ${how}.`]
}

/** All of it for people to read. */
export const toText = (examination: Examination): string => {
  const { version, machine, capabilities, cgroup, reaping } = examination
  const overrides = Object.entries(machine.overrides).map(([name, value]) => `${name}=${value}`)
  return [
    `brood ${version}`,
    '',
    'This machine',
    line('system', `${machine.platform} ${machine.kernel}, ${machine.arch}`),
    line('C library', machine.libc),
    line('Node.js', machine.node),
    line('system calls filtered (seccomp)', machine.seccomp),
    line('no new privileges', yes(machine.noNewPrivs)),
    ...machine.facilities.map(({ name, error }) => line(name, error === null ? 'yes' : `no (${error})`)),
    line('cgroup v2', cgroup.path ?? 'none'),
    line('cgroup v2 is delegated to us', yes(cgroup.isDelegated)),
    line('cgroup.kill', yes(cgroup.hasKill)),
    line('cgroup v2 controllers', cgroup.controllers.join(' ') || 'none'),
    '',
    'What brood uses',
    line('processes are made by', capabilities.spawn),
    line('their ends are noticed by', capabilities.reaper),
    line('signals are sent to', capabilities.kill),
    line('can adopt orphans', yes(reaping.isInit || capabilities.subreaper)),
    line('overrides', overrides.join(' ') || 'none'),
    '',
    'Orphans',
    line('container', reaping.container ?? 'none that shows'),
    line('PID 1', reaping.isInit ? 'brood itself' : (reaping.init ?? 'unknown')),
    line('zombies that PID 1 has left', String(reaping.zombies.length)),
    line('an orphan made for a try was', reaping.orphan),
    ...advise(examination).flatMap((advice) => ['', advice]),
    '',
  ].join('\n')
}

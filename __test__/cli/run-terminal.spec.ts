import { readdirSync, readFileSync } from 'node:fs'
import pty from '@lydell/node-pty'
import test, { type ExecutionContext } from 'ava'

import { BROOD } from '../helpers/command.ts'
import { checkLeaks } from '../helpers/leaks.ts'
import { until, within } from '../helpers/until.ts'
import { processEntry } from '../helpers/zombies.ts'

/** What a terminal shows, and what is typed into it. */
interface Terminal {
  /** Waits until something like this shows that was not waited for before. */
  readonly saw: (pattern: RegExp) => Promise<RegExpMatchArray>
  readonly type: (text: string) => void
  readonly ended: Promise<number>
}

const openTerminal = (t: ExecutionContext, file: string, args: string[]): Terminal => {
  const env = { ...process.env, PS1: 'PROMPT> ', HISTFILE: '', TERM: 'dumb' }
  const terminal = pty.spawn(file, args, { cols: 250, env })
  let shown = ''
  terminal.onData((data) => {
    shown += data
  })
  const ended = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)))
  let isOver = false
  void ended.then(() => {
    isOver = true
  })
  t.teardown(async () => {
    if (!isOver) terminal.kill('SIGKILL')
    await ended
  })
  return {
    saw: async (pattern) => {
      const match = await until(() => pattern.exec(shown), `${pattern} on the terminal`).catch((error: Error) => {
        throw new Error(`${error.message}; it shows ${JSON.stringify(shown)}`)
      })
      shown = shown.slice(match.index + match[0].length)
      return match
    },
    type: (text) => terminal.write(text),
    ended: within(ended, 'the end of the terminal'),
  }
}

/** Waits until a program of this name, below this process, is in the foreground of its terminal. */
const foregroundIs = (name: string): Promise<true> =>
  until(() => {
    const found = readdirSync('/proc').some((pid) => {
      const stat = /^\d+$/.test(pid) ? statOf(pid) : undefined
      return stat?.name === name && stat.group === stat.foreground && isBelow(Number(pid))
    })
    return found || undefined
  }, `${name} in the foreground`)

/** The fields of proc_pid_stat(5) that tell who is in the foreground. */
const statOf = (pid: string): { name: string; group: string; foreground: string } | undefined => {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [, , group, , , foreground] = line.slice(line.lastIndexOf(')') + 2).split(' ')
    return { name: line.slice(line.indexOf('(') + 1, line.lastIndexOf(')')), group: group!, foreground: foreground! }
  } catch {
    return undefined
  }
}

const isBelow = (pid: number): boolean => {
  const parent = processEntry(pid)?.ppid ?? 0
  return parent === process.pid || (parent > 1 && isBelow(parent))
}

/** Everything that node-pty makes once. */
const warmUp = async (): Promise<void> => {
  const terminal = pty.spawn('true', [], {})
  await new Promise((resolve) => terminal.onExit(resolve))
}

checkLeaks(test, warmUp)

const brood = [BROOD, 'run', '--']
const STATE = 'ps -o pid= -o pgid= -o sid= -o tpgid= -p $$'

test.serial('Ctrl-C reaches the command, and brood ends with its status', async (t) => {
  const terminal = openTerminal(t, process.execPath, [...brood, 'cat'])
  terminal.type('hello\r')
  await terminal.saw(/hello\r\nhello\r\n/)
  terminal.type('\u0003')
  t.is(await terminal.ended, 130)
})

test.serial('Ctrl-C is the command’s to take, and brood gets none of it', async (t) => {
  const script = 'trap "echo caught" INT; echo ready; read line; echo "read $line"; exit 3'
  const terminal = openTerminal(t, process.execPath, [...brood, 'sh', '-c', `${script} || :; exit 4`])
  await terminal.saw(/ready/)
  terminal.type('\u0003')
  await terminal.saw(/caught/)
  terminal.type('more\r')
  t.true([3, 4].includes(await terminal.ended))
})

test.serial('where brood leads the session, the command gets one of its own, with the terminal', async (t) => {
  const terminal = openTerminal(t, process.execPath, [...brood, 'sh', '-c', `${STATE}; exec </dev/tty && echo has-tty`])
  const [, pid, group, session, foreground] = await terminal.saw(/(\d+) +(\d+) +(\d+) +(\d+)/)
  t.deepEqual([group, session, foreground], [pid, pid, pid])
  await terminal.saw(/has-tty/)
  t.is(await terminal.ended, 0)
})

test.serial('a shell that is the command has job control', async (t) => {
  const terminal = openTerminal(t, process.execPath, [...brood, 'bash', '--norc', '-i'])
  await terminal.saw(/PROMPT> /)
  terminal.type('sleep 1000\r')
  await terminal.saw(/sleep 1000\r\n/)
  await foregroundIs('sleep')
  terminal.type('\u001a')
  await terminal.saw(/Stopped/)
  await terminal.saw(/PROMPT> /)
  terminal.type('fg\r')
  await terminal.saw(/sleep 1000\r\n/)
  await foregroundIs('sleep')
  terminal.type('\u0003')
  await terminal.saw(/PROMPT> /)
  terminal.type('echo code=$?; exit 5\r')
  await terminal.saw(/code=130/)
  t.is(await terminal.ended, 5)
})

test.serial('under a shell, Ctrl-Z stops the job, and fg continues it', async (t) => {
  const terminal = openTerminal(t, 'bash', ['--norc', '-i'])
  await terminal.saw(/PROMPT> /)
  terminal.type(`${process.execPath} ${brood.join(' ')} cat\r`)
  await foregroundIs('cat')
  terminal.type('one\r')
  await terminal.saw(/one\r\none\r\n/)
  terminal.type('\u001a')
  await terminal.saw(/Stopped/)
  await terminal.saw(/PROMPT> /)
  terminal.type('fg\r')
  await terminal.saw(/run -- cat\r\n/)
  await foregroundIs('cat')
  terminal.type('two\r')
  await terminal.saw(/two\r\ntwo\r\n/)
  terminal.type('\u0003')
  await terminal.saw(/PROMPT> /)
  terminal.type('echo code=$?; exit\r')
  await terminal.saw(/code=130/)
  t.is(await terminal.ended, 0)
})

test.serial('under a shell, a job in the background that wants to read is stopped, and fg lets it read', async (t) => {
  const terminal = openTerminal(t, 'bash', ['--norc', '-i'])
  await terminal.saw(/PROMPT> /)
  terminal.type(`set -b; ${process.execPath} ${brood.join(' ')} sh -c 'read x; echo got $x' &\r`)
  await terminal.saw(/Stopped/)
  terminal.type('fg\r')
  await foregroundIs('sh')
  terminal.type('abc\r')
  await terminal.saw(/got abc/)
  terminal.type('exit\r')
  t.is(await terminal.ended, 0)
})

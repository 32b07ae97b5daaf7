// Deno.Command.

/* global Deno */

const mode = (stdio) => (stdio === 'pipe' ? 'piped' : 'null')

export const start = (file, args, stdio) => {
  const word = mode(stdio)
  return new Deno.Command(file, { args, stdin: word, stdout: word, stderr: word }).spawn()
}

export const onExit = (child, callback) => void child.status.then(callback)

export const streams = (child) => [child.stdin, child.stdout, child.stderr]

export const kill = (child) => child.kill('SIGKILL')

export const tidy = (child) => {
  // The getters throw where there is no pipe.
  try {
    void child.stdin.close().catch(() => {})
    void child.stdout.cancel()
    void child.stderr.cancel()
  } catch {}
}

export const output = async (file, args, { encoding = 'utf8' } = {}) => {
  const { stdout } = await new Deno.Command(file, { args, stdin: 'null', stdout: 'piped', stderr: 'piped' }).output()
  return encoding === 'buffer' ? stdout : new TextDecoder().decode(stdout)
}

export const stream = async (file, args, onData) => {
  const child = new Deno.Command(file, { args, stdin: 'null', stdout: 'piped', stderr: 'null' }).spawn()
  for await (const chunk of child.stdout) onData(chunk)
  await child.status
}

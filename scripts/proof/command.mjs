// Starts other programs without stopping this one, which serves the packages they ask for.

import { spawn } from 'node:child_process'
import { devNull } from 'node:os'

/** Nobody's own configuration, and none of what `npm run` adds: what a user without any of it would get. */
const cleanEnvironment = (home) => {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|yarn_|bun_|deno_|pnpm_|node_)/i.test(name))
  return {
    ...Object.fromEntries(own),
    HOME: home,
    XDG_CONFIG_HOME: `${home}/.config`,
    XDG_CACHE_HOME: `${home}/.cache`,
    XDG_DATA_HOME: `${home}/.local/share`,
    npm_config_userconfig: devNull,
    npm_config_update_notifier: 'false',
    COREPACK_ENABLE_DOWNLOAD_PROMPT: '0',
    NO_COLOR: '1',
    CI: '1',
  }
}

/**
 * Runs a program to its end, and kills it when it takes too long: a program that does not end by itself has failed.
 *
 * @returns how it ended (`code` is `null` for a signal), what it wrote, and how long it took, in milliseconds.
 */
export const execute = ([file, ...args], { cwd, home = cwd, env = {}, deadline = 120_000 }) =>
  new Promise((resolve, reject) => {
    const start = performance.now()
    const child = spawn(file, args, {
      cwd,
      env: { ...cleanEnvironment(home), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: deadline,
      killSignal: 'SIGKILL',
    })
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'])
      child[name].setEncoding('utf8').on('data', (text) => (output[name] += text))
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, ...output, time: performance.now() - start }))
  })

/** As {@link execute}; rejects, with all that was written, unless it succeeds. */
export const succeed = async (command, options) => {
  const ended = await execute(command, options)
  if (ended.code === 0) return ended
  const how = ended.signal === null ? `exit code ${ended.code}` : `${ended.signal} (its deadline was over)`
  throw new Error(`${command.join(' ')}: ${how}\n${ended.stdout}${ended.stderr}`)
}

// Runs subjects, each in a process of its own, in interleaved rounds: A B C A B C …

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { nativeProgram } from './peers.mjs'

const main = fileURLToPath(new URL('../subjects/main.mjs', import.meta.url))

/** A subject that takes longer is stuck. */
const DEADLINE = 300_000

/** The environment of every subject, and so of every child: the same on every machine, and as large as a usual one. */
const environment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: process.env.HOME ?? '/',
  LANG: 'C.UTF-8',
  DENO_NO_UPDATE_CHECK: '1',
  ...Object.fromEntries(
    Array.from({ length: 26 }, (_, index) => [
      `BENCH_VARIABLE_${index}`,
      `/usr/lib/some/thing/of/a/usual/length/${index}`,
    ]),
  ),
}

/** Why a subject has no figures. */
export class SubjectError extends Error {}

const commandOf = ({ engine, api }, subject, engines) => {
  if (engine === 'native') return [nativeProgram, subject, `api=${api}`]
  const found = engines[engine]
  if (found === undefined) throw new SubjectError(`${engine} is not there on this platform`)
  return [...found.command, main, subject, `api=${api}`]
}

/** Runs one subject once and returns its figures. */
export const runSubject = (competitor, subject, parameters, engines) =>
  new Promise((resolve, reject) => {
    const pairs = Object.entries({ ...parameters, ...competitor.parameters }).map(([key, value]) => `${key}=${value}`)
    const [file, ...args] = commandOf(competitor, subject, engines)
    // A process group of its own: whatever a subject leaves behind goes with it.
    const child = spawn(file, [...args, ...pairs], {
      env: environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const sweep = () => {
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        // Nobody is left.
      }
    }
    const timer = setTimeout(sweep, DEADLINE)
    let text = ''
    let complaint = ''
    child.stdout.setEncoding('utf8').on('data', (piece) => (text += piece))
    child.stderr.setEncoding('utf8').on('data', (piece) => (complaint += piece))
    child.once('error', reject)
    // Its children hold our pipe open: the exit counts, not the close.
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      sweep()
      child.once('close', () => {
        const line = text.trim().split('\n').at(-1)
        if (code === 0 && line?.startsWith('{')) return resolve(JSON.parse(line))
        const lines = complaint.trim().split('\n')
        const reason = lines.find((words) => /^(?:Uncaught )?\w*Error: /.test(words)) ?? lines.at(-1)
        reject(new SubjectError(signal === null ? `exit code ${code}: ${reason}` : `killed by ${signal}`))
      })
    })
  })

/** The middle of the values. */
export const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

const summarize = (rounds) => {
  const figures = {}
  for (const key of Object.keys(rounds[0])) {
    const values = rounds.map((round) => round[key])
    figures[key] = { median: median(values), least: Math.min(...values), most: Math.max(...values) }
  }
  return figures
}

/**
 * Measures one scenario: every competitor once, and again, for as many rounds as there are to be.
 *
 * @returns for every competitor its figures (the median, least and most of the rounds), or why there are none.
 */
export const measureScenario = async ({ subject, competitors, parameters, paths, rounds }, engines, onProgress) => {
  const gathered = competitors.map(() => [])
  const failures = competitors.map(() => undefined)
  for (let round = 0; round < rounds; round++) {
    for (const [index, competitor] of competitors.entries()) {
      onProgress(round, competitor)
      if (failures[index] !== undefined) continue
      try {
        gathered[index].push(await runSubject(competitor, subject, { ...parameters, ...paths }, engines))
      } catch (error) {
        if (!(error instanceof SubjectError)) throw error
        failures[index] = error.message
      }
    }
  }
  return competitors.map((competitor, index) => ({
    name: competitor.name,
    ...(failures[index] === undefined ? { figures: summarize(gathered[index]) } : { failure: failures[index] }),
  }))
}

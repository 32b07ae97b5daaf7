// Types that can be stripped, and that tsc checks.
import * as brood from 'brood'
import { spawn, type Child, type ExitStatus, type Output, type SpawnOptions } from 'brood'

// @ts-expect-error: plain JavaScript, without types of its own.
import { check } from './checks.mjs'

const options: SpawnOptions = { stdio: ['ignore', 'pipe', 'inherit'], rlimits: { nofile: 64 } }
const child: Child = spawn('sh', ['-c', 'ulimit -n'], options)
const { stdout, status }: Output<string | Buffer> = await child.output()
const code: number | null = (status satisfies ExitStatus).code
if (code !== 0 || stdout !== '64\n') throw new Error(`the limit is not 64: ${stdout}`)
// @ts-expect-error: there is no such option.
void (() => spawn('true', { cvd: '/' }))

await check(brood, new URL('./worker.mjs', import.meta.url))

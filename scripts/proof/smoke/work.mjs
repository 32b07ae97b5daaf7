// What a worker of the smoke test does with brood, whichever way it got it.

import { parentPort, workerData } from 'node:worker_threads'

export const work = async ({ run, spawn }) => {
  if (workerData === 'finish') {
    parentPort.postMessage((await run('echo', ['from a worker'])).stdout)
  } else {
    parentPort.postMessage(spawn('sleep', ['1000'], { killOnDrop: true }).pid)
  }
}

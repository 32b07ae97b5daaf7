const { join } = require('node:path')

const brood = require('brood')

import('./checks.mjs').then(({ check }) => check(brood, join(__dirname, 'worker.cjs')))

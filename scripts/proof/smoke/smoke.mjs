import * as brood from 'brood'

import { check } from './checks.mjs'

await check(brood, new URL('./worker.mjs', import.meta.url))

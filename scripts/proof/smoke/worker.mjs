import * as brood from 'brood'

import { work } from './work.mjs'

await work(brood)

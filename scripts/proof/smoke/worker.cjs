const brood = require('brood')

import('./work.mjs').then(({ work }) => work(brood))

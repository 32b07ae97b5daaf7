// npm run demo: installs, builds, and shows the main job on real processes.

import { build, install } from './setup.mjs'

install()
build()
await import('../examples/tour.mjs')

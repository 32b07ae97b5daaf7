// Import time and installed size.

import { installedSizes } from '../harness/sizes.mjs'
import { moduleUrl } from '../harness/peers.mjs'

const modules = ['brood', 'execa', 'nano-spawn', 'tinyexec', '@lydell/node-pty']

export default {
  name: 'import',
  title: 'Import time and installed size',
  about:
    'The first `import` of the package in a program that has loaded nothing else, the files being in memory. Sizes are what ' +
    'lies in `node_modules` after an installation for this platform, dependencies included.',
  chart: { key: 'milliseconds', unit: 'ms', title: 'Import time', better: 'shorter' },
  scenarios: (isQuick) =>
    (isQuick ? [26] : [22, 26]).map((major) => ({
      title: `Node ${major}`,
      subject: 'import',
      parameters: {},
      competitors: modules.map((name) => ({
        name,
        engine: `node-${major}`,
        api: 'none',
        parameters: { module: moduleUrl(name) },
      })),
      rounds: isQuick ? 3 : 11,
      metrics: [
        { key: 'milliseconds', label: 'import', unit: 'ms' },
        { key: 'resident', label: 'memory', unit: 'bytes', plain: true },
      ],
    })),
  appendix: installedSizes,
}

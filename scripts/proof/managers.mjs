// npm and the other package managers, each in an empty project, asking the registry of the proof for `brood` as a user would.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { succeed } from './command.mjs'

/** An empty project, with a home directory of its own beside it: nothing is found in a cache. */
export const makeProject = (work, name, manifest = {}) => {
  const cwd = join(work, 'projects', name)
  const home = join(work, 'homes', name)
  mkdirSync(cwd, { recursive: true })
  mkdirSync(home, { recursive: true })
  writeFileSync(join(cwd, 'package.json'), `${JSON.stringify({ private: true, type: 'module', ...manifest })}\n`)
  return { cwd, home }
}

const npmFlags = ['--no-audit', '--no-fund']

/** `npm install`, of what is named and with further options. */
export const npmInstall = (project, registry, ...words) =>
  succeed(['npm', 'install', `--registry=${registry}`, ...npmFlags, ...words], project)

const yarnSettings = (registry, linker) => `nodeLinker: ${linker}
npmRegistryServer: ${registry}
unsafeHttpWhitelist: ['127.0.0.1']
enableTelemetry: false
enableGlobalCache: false
`

/**
 * All others that are there, with what they are called and how they install.
 *
 * @param tools - the directory where they are; @param programs - the engines: some need a newer Node than ours, two are one.
 */
export const packageManagers = (tools, programs) => {
  const node = programs['node-24'] ?? process.execPath
  const tool = (path) => [node, join(tools, 'node_modules', path)]
  const berry = (linker) => async (project, registry) => {
    writeFileSync(join(project.cwd, '.yarnrc.yml'), yarnSettings(registry, linker))
    // Or it takes a project below another one for a part of that.
    writeFileSync(join(project.cwd, 'yarn.lock'), '')
    const env = { YARN_ENABLE_IMMUTABLE_INSTALLS: 'false' }
    await succeed([...tool('@yarnpkg/cli-dist/bin/yarn.js'), 'add', 'brood'], { ...project, env })
  }
  const all = [
    {
      name: 'pnpm',
      install: (project, registry) =>
        succeed([...tool('pnpm/bin/pnpm.mjs'), 'add', `--registry=${registry}`, 'brood'], {
          ...project,
          env: { npm_config_registry: registry },
        }),
    },
    {
      name: 'yarn 1',
      // It does not know `libc`, downloads all and installs both Linux packages: the one that loads is taken.
      ignoresLibc: true,
      install: (project, registry) =>
        succeed([...tool('yarn/bin/yarn.js'), 'add', `--registry=${registry}`, 'brood'], project),
    },
    { name: 'yarn 4', install: berry('node-modules') },
    {
      name: 'yarn 4 with PnP',
      install: berry('pnp'),
      nodeOptions: ['--require', './.pnp.cjs', '--loader', './.pnp.loader.mjs', '--no-warnings'],
    },
    {
      name: 'bun install',
      engine: 'bun',
      install: (project, registry) => succeed([programs.bun, 'add', `--registry=${registry}`, 'brood'], project),
    },
    {
      name: 'deno install',
      engine: 'deno',
      // As yarn 1 does, for this system and architecture.
      ignoresLibc: true,
      install: (project, registry) =>
        succeed([programs.deno, 'install', 'npm:brood'], { ...project, env: { NPM_CONFIG_REGISTRY: registry } }),
    },
  ]
  return all.filter(({ engine }) => engine === undefined || programs[engine] !== undefined)
}

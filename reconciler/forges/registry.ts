import { EngineError } from '../../engine/index.ts'
import type { Forge } from './forge.ts'
import type { ForgeOptions, OpenedForgeOptions } from './options.ts'

interface Entry {
  readonly publicUrl?: string
  /** Makes the API's root of what people copy from their browser. */
  readonly api: (root: string) => string
  readonly load: () => Promise<{ readonly open: (options: OpenedForgeOptions) => Promise<Forge> }>
}

/** Every forge; its code and SDK are loaded when one is opened. */
const forges: Readonly<Record<Forge['type'], Entry>> = {
  github: {
    publicUrl: 'https://api.github.com',
    // GitHub Enterprise Server has its API below a path, github.com at a host of its own.
    api: root =>
      root === 'https://github.com' || root === 'https://api.github.com'
        ? 'https://api.github.com'
        : `${root.replace(/\/api\/v3$/, '')}/api/v3`,
    load: () => import('./github/index.ts'),
  },
  gitlab: {
    publicUrl: 'https://gitlab.com',
    // The SDK adds the version's path.
    api: root => root.replace(/\/api\/v4$/, ''),
    load: () => import('./gitlab/index.ts'),
  },
  gitea: {
    api: root => `${root.replace(/\/api\/v1$/, '')}/api/v1`,
    load: () => import('./gitea/index.ts'),
  },
}

/** Opens a forge. Errors: `usage` for an address or repository that cannot be one. */
export async function createForge(options: ForgeOptions): Promise<Forge> {
  const { publicUrl, api, load } = forges[options.type]
  const given = options.url ?? publicUrl
  if (given === undefined) {
    throw new EngineError('usage', `a ${options.type} forge needs its url`, { remedy: 'name the address of the forge' })
  }
  // Gitea and GitHub know owners and names, GitLab groups below groups.
  const shape = options.type === 'gitlab' ? /^[\w.-]+(\/[\w.-]+)+$/ : /^[\w.-]+\/[\w.-]+$/
  if (!shape.test(options.repository) || options.repository.split('/').some(part => /^\.+$/.test(part))) {
    throw new EngineError('usage', `"${options.repository}" is not a repository of a forge`, {
      remedy: 'write it as owner/name',
    })
  }
  const root = api(rootOf(given, options.allowInsecure ?? false))
  return (await load()).open({ ...options, root })
}

function rootOf(text: string, allowInsecure: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['https:', 'http:'].includes(url.protocol) || url.username !== '' || url.password !== '') {
    throw new EngineError('usage', 'the url of the forge is none that can be used', {
      remedy: 'write https://HOST, without a user or password in it',
    })
  }
  // The token would be readable by everybody on the way.
  const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
  if (url.protocol === 'http:' && !loopback && !allowInsecure) {
    throw new EngineError('usage', `the forge at ${url.host} is named with plain http`, {
      remedy: 'use https: the token is sent with each request',
    })
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}

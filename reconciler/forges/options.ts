import type { Clock, Http } from '../../engine/index.ts'
import type { Answers } from './answers.ts'
import type { Forge } from './forge.ts'
import type { ForgeResponse } from './transport.ts'

/** What a forge is opened with; secrets are resolved already. */
export interface ForgeOptions {
  readonly type: Forge['type']
  /** The forge's address, with or without its API's path; the public service when absent. */
  readonly url?: string
  /** `owner/name`, or a project's path with its groups. */
  readonly repository: string
  readonly token: string
  readonly http: Http
  readonly clock: Clock
  /** Plain http beyond loopback, for tests and networks that are trusted otherwise. */
  readonly allowInsecure?: boolean
  /** Seconds that a request waits by itself when the forge asks for fewer; default 5. */
  readonly patience?: number
  /** Answers that are asked for by their ETag. */
  readonly answers?: Answers<ForgeResponse>
}

/** What each forge's folder gets: the same with its address read. */
export interface OpenedForgeOptions extends ForgeOptions {
  /** Origin and path without a slash at the end. */
  readonly root: string
}

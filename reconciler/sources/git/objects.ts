import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { EngineError } from '../../../engine/index.ts'
import { gitEnvironment } from './environment.ts'

export type ObjectType = 'blob' | 'tree' | 'commit' | 'tag'

export interface ObjectFacts {
  readonly type: ObjectType
  /** Octets once unpacked. */
  readonly size: number
}

interface Question {
  readonly wants: 'info' | 'contents'
  answer(facts: ObjectFacts | undefined, octets: Buffer): void
  fail(error: Error): void
}

/** Milliseconds without a question after which the process ends: hundreds of idle sources must cost nothing. */
const idleTime = 10_000

/**
 * Reads objects by name through one `git cat-file --batch-command`, which starts with the first question. Questions
 * may overlap; answers come in their order.
 */
export class ObjectReader {
  readonly #folder: string
  readonly #questions: Question[] = []
  #process: ChildProcessWithoutNullStreams | undefined
  #idle: NodeJS.Timeout | undefined
  /** What arrived and is not yet understood. */
  #chunks: Buffer[] = []
  #length = 0
  /** The object that is arriving. */
  #arriving: ObjectFacts | undefined
  #closed = false

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Undefined for an object that is not there. `name` is a full object name. */
  info(name: string): Promise<ObjectFacts | undefined> {
    return this.#ask('info', name, facts => facts)
  }

  /**
   * The content of an object, never of one that is larger than `limit`. Undefined where there is none of this name and
   * type; `tooLarge` tells its size.
   */
  async read(
    name: string,
    type: ObjectType,
    limit: number,
  ): Promise<{ readonly octets: Buffer } | { readonly tooLarge: number } | undefined> {
    const facts = await this.info(name)
    if (facts?.type !== type) return undefined
    if (facts.size > limit) return { tooLarge: facts.size }
    return this.#ask('contents', name, (found, octets) => (found === undefined ? undefined : { octets }))
  }

  /** Ends the process; what is still asked fails. The next question starts another one. */
  restart(): void {
    this.#process?.kill('SIGKILL')
    this.#drop(gone())
  }

  close(): void {
    this.#closed = true
    this.restart()
  }

  #ask<T>(wants: Question['wants'], name: string, read: (facts: ObjectFacts | undefined, octets: Buffer) => T) {
    return new Promise<T>((resolve, reject) => {
      if (this.#closed) return reject(gone())
      clearTimeout(this.#idle)
      const process = this.#started()
      this.#questions.push({ wants, answer: (facts, octets) => resolve(read(facts, octets)), fail: reject })
      process.stdin.write(`${wants} ${name}\n`)
    })
  }

  #started(): ChildProcessWithoutNullStreams {
    if (this.#process) return this.#process
    const child = spawn('git', ['cat-file', '--batch-command'], {
      cwd: this.#folder,
      env: { ...gitEnvironment(this.#folder) },
    })
    this.#process = child
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-2000)
    })
    child.stdout.on('data', (chunk: Buffer) => {
      if (this.#process === child) this.#take(chunk)
    })
    // Writing to a process that just ended; its exit tells why.
    child.stdin.on('error', () => undefined)
    child.on('error', error => this.#ended(child, error.message))
    child.on('close', () => this.#ended(child, said))
    return child
  }

  #ended(child: ChildProcessWithoutNullStreams, said: string): void {
    if (this.#process === child) this.#drop(/over limit/.test(said) ? unpacksTooLarge() : gone())
  }

  #drop(error: Error): void {
    clearTimeout(this.#idle)
    this.#process = undefined
    this.#chunks = []
    this.#length = 0
    this.#arriving = undefined
    for (const question of this.#questions.splice(0)) question.fail(error)
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    while (this.#next()) {
      // Each turn takes one answer out of what has arrived.
    }
    if (this.#questions.length > 0) return
    this.#idle = setTimeout(() => this.restart(), idleTime).unref()
  }

  /** Takes one answer, if a whole one is there. */
  #next(): boolean {
    const question = this.#questions[0]
    if (question === undefined || this.#length === 0) return false
    if (this.#arriving === undefined) {
      const head = this.#joined()
      const end = head.indexOf(10)
      if (end < 0) return false
      const [, type, size] = head.toString('latin1', 0, end).split(' ')
      this.#keep(head.subarray(end + 1))
      const facts = isType(type) ? { type, size: Number(size) } : undefined
      if (facts === undefined || question.wants === 'info') return this.#answer(question, facts, Buffer.alloc(0))
      this.#arriving = facts
    }
    // The content is followed by a line feed of its own.
    if (this.#length < this.#arriving.size + 1) return false
    const facts = this.#arriving
    const all = this.#joined()
    this.#keep(all.subarray(facts.size + 1))
    this.#arriving = undefined
    // Copied: a view would keep everything that arrived with it.
    return this.#answer(question, facts, Buffer.from(all.subarray(0, facts.size)))
  }

  #answer(question: Question, facts: ObjectFacts | undefined, octets: Buffer): true {
    this.#questions.shift()
    question.answer(facts, octets)
    return true
  }

  #joined(): Buffer {
    const [first] = this.#chunks
    return this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks, this.#length)
  }

  #keep(rest: Buffer): void {
    this.#chunks = rest.length === 0 ? [] : [rest]
    this.#length = rest.length
  }
}

function isType(text: string | undefined): text is ObjectType {
  return text === 'blob' || text === 'tree' || text === 'commit' || text === 'tag'
}

function gone(): EngineError {
  return new EngineError('git_unreachable', 'the repository in the cache cannot be read', {
    remedy: 'it is fetched again by itself; check the disk if it stays',
    details: { reason: 'cache_unreadable' },
  })
}

function unpacksTooLarge(): EngineError {
  return new EngineError('git_hostile', 'the repository holds an object that unpacks to more than is allowed', {
    remedy: 'take large files out of the history, or use a repository of its own for the configuration',
    details: { reason: 'object_too_large' },
  })
}

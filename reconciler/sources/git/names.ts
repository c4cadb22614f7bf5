import { EngineError, visible } from '../../../engine/index.ts'

/** git-check-ref-format(1), rules 3 to 10: what may not stand in a name of a ref. */
const forbidden = /[\s~^:?*[\\]|\.\.|@\{|\/\/|\/$|^\/|(?:^|\/)\.|\.(?:\/|$)|\.lock(?:\/|$)|^@$/

const objectName = /^[0-9a-f]{40}$/

/** Full name of a branch's ref. Throws `git_refused` for a name that git would not take, or that looks like an option. */
export function branchRef(branch: string): string {
  return checkRef(branch.startsWith('refs/heads/') ? branch : `refs/heads/${branch}`, branch)
}

/** A full ref (`refs/pull/1/head`) of the other side. Throws `git_refused`. */
export function checkRef(ref: string, shown = ref): string {
  const parts = ref.split('/')
  const sound =
    ref.startsWith('refs/') &&
    parts.length > 2 &&
    ref.length <= 1024 &&
    visible(ref) === ref &&
    !forbidden.test(ref) &&
    !shown.startsWith('-') &&
    !parts.some(part => part.startsWith('-'))
  if (sound) return ref
  throw new EngineError('git_refused', `"${visible(shown).slice(0, 200)}" cannot be the name of a branch or a ref`, {
    remedy: 'correct the name',
    details: { reason: 'ref_refused' },
  })
}

/** A full object name, so that nothing else ever reaches git where a commit is meant. */
export function checkCommit(commit: string): string {
  if (objectName.test(commit)) return commit
  throw new EngineError('git_refused', `"${visible(commit).slice(0, 80)}" is not a full commit name`, {
    remedy: 'give all 40 hexadecimal digits',
    details: { reason: 'commit_refused' },
  })
}

export const isObjectName = (text: string): boolean => objectName.test(text)

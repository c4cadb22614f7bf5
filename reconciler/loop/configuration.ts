import {
  DiagnosticsError,
  EngineError,
  formatDiagnostics,
  type LoadedConfiguration,
  loadConfiguration,
  type PlanOptions,
} from '../../engine/index.ts'
import type { Repository } from '../sources/repository.ts'
import type { Source } from '../sources/source.ts'

/** Errors and warnings of one commit that a run's log shows: who mends these sees the next. */
const mostTold = 100

/** What a source declares at a commit. Throws `DiagnosticsError`, and `input_empty` where nothing is declared. */
export async function configurationAt(
  repository: Repository,
  { spec }: Pick<Source, 'spec'>,
  commit: string,
  line: (text: string) => void = () => {},
): Promise<LoadedConfiguration> {
  const { configuration, diagnostics } = await loadConfiguration(spec.paths, repository.filesAt(commit))
  const told = await formatDiagnostics(diagnostics.slice(0, mostTold), 'text')
  for (const text of told.split('\n')) if (text !== '') line(text)
  if (diagnostics.length > mostTold) line(`and ${diagnostics.length - mostTold} more`)
  if (!configuration) throw new DiagnosticsError(diagnostics)
  if (configuration.resources.length > 0) return configuration
  // Deleting everything is done by saying so (`trustform destroy`), never by an empty folder.
  throw new EngineError('input_empty', `${spec.paths.join(', ')} at ${commit.slice(0, 12)} declares nothing`, {
    remedy: 'restore the manifests, or correct paths; nothing was deleted',
  })
}

/**
 * How a source plans: its branch as its pull requests, so that what was approved is what is applied. What is merely due
 * is left to the renewals, which know how often a CA may be asked again.
 */
export function planning({ spec }: Pick<Source, 'spec'>): Pick<PlanOptions, 'adopt' | 'leave'> {
  return { adopt: spec.adopt, leave: spec.drift === 'heal' ? ['renewal'] : ['renewal', 'drift'] }
}

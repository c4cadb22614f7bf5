import { DiagnosticsError, formatDiagnostics, type LoadedConfiguration, loadConfiguration } from '../index.ts'
import type { Context } from './context.ts'

/** Loads the manifests or throws all that is wrong with them; warnings go to stderr. */
export async function configurationOf(paths: readonly string[], context: Context): Promise<LoadedConfiguration> {
  const { configuration, diagnostics } = await loadConfiguration(paths)
  if (!configuration) throw new DiagnosticsError(diagnostics)
  if (diagnostics.length > 0) {
    context.io.stderr.write(`${await formatDiagnostics(diagnostics, 'text', { color: context.color.stderr })}\n`)
  }
  return configuration
}

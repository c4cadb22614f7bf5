import { renderConfiguration } from '../../index.ts'
import { configurationOf } from '../configuration.ts'
import type { Define } from '../context.ts'
import { exit } from '../io.ts'

export const define: Define = (command, action) => {
  command.requiredOption('-f, --file <path...>', 'manifests: files and folders').action(
    action(async (context, { file }: { readonly file: readonly string[] }) => {
      context.io.stdout.write(await renderConfiguration(await configurationOf(file, context)))
      return exit.done
    }),
  )
}

import { type Configuration, formatAddress } from '../../index.ts'
import { configurationOf } from '../configuration.ts'
import type { Define } from '../context.ts'
import { exit } from '../io.ts'

interface Options {
  readonly file: readonly string[]
  readonly format: 'mermaid' | 'dot'
}

interface Graph {
  readonly nodes: readonly string[]
  /** From a resource to what it stands on. */
  readonly edges: readonly (readonly [from: string, to: string])[]
}

export const define: Define = (command, action) => {
  command
    .requiredOption('-f, --file <path...>', 'manifests: files and folders')
    .addOption(
      command.createOption('--format <format>', 'how to write it').choices(['mermaid', 'dot']).default('mermaid'),
    )
    .action(
      action(async (context, { file, format }: Options) => {
        const graph = graphOf(await configurationOf(file, context))
        context.io.stdout.write(format === 'dot' ? dot(graph) : mermaid(graph))
        return exit.done
      }),
    )
}

function graphOf({ resources }: Configuration): Graph {
  const edges = resources.flatMap(({ address, references }) =>
    references.map(({ kind, target }) => {
      const to = 'name' in target ? formatAddress(kind, target.name) : `${target.external} (external)`
      return [address, to] as const
    }),
  )
  const nodes = [...new Set([...resources.map(({ address }) => address), ...edges.map(([, to]) => to)])]
  const unique = [...new Map(edges.map(edge => [edge.join('\n'), edge])).values()]
  return { nodes, edges: unique }
}

function mermaid({ nodes, edges }: Graph): string {
  const id = idsOf(nodes)
  // Mermaid's own escape for a quotation mark in a label.
  const label = (text: string) => `["${text.replaceAll('"', '#quot;')}"]`
  const lines = [
    'graph TD',
    ...nodes.map(node => `  ${id(node)}${label(node)}`),
    ...edges.map(([from, to]) => `  ${id(from)} --> ${id(to)}`),
  ]
  return `${lines.join('\n')}\n`
}

function dot({ nodes, edges }: Graph): string {
  const quoted = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  const lines = [
    'digraph trustform {',
    '  node [shape=box]',
    ...nodes.map(node => `  ${quoted(node)}`),
    ...edges.map(([from, to]) => `  ${quoted(from)} -> ${quoted(to)}`),
    '}',
  ]
  return `${lines.join('\n')}\n`
}

function idsOf(nodes: readonly string[]): (node: string) => string {
  const numbers = new Map(nodes.map((node, index) => [node, `n${index + 1}`]))
  return node => numbers.get(node) ?? ''
}

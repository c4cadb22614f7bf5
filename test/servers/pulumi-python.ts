import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cache, demand, findProgram, locked, run, say } from './install.ts'

/** Newest SDK that the CLI of the tests knows, and what a generated one needs beside it. */
const packages = ['pulumi==3.259.0', 'parver==1.0.1.post0', 'semver==3.1.1', 'setuptools==80.9.0', 'wheel==0.48.0']

export interface PulumiPython {
  /** For `runtime.options.virtualenv` of Pulumi.yaml. */
  readonly virtualenv: string
  readonly python: string
  /** Installs a generated SDK into a folder of its own, for PYTHONPATH. */
  install(sdk: string, target: string): Promise<void>
}

/** Pulumi for Python in a virtual environment, made once outside the checkout. */
export async function ensurePulumiPython(): Promise<PulumiPython> {
  const virtualenv = join(cache, 'pulumi-python-3.259.0')
  const python = join(virtualenv, 'bin', 'python')
  // A virtual environment knows its own path: it cannot be made elsewhere and moved, so the last file says it is whole.
  const whole = join(virtualenv, 'whole')
  if (!existsSync(whole)) {
    demand('Pulumi for Python', 'CI=1 npx vitest run --project servers test/servers/pulumi')
    await locked(async () => {
      if (existsSync(whole)) return
      const base = findProgram('python3')
      if (base === undefined) throw new Error('Pulumi for Python needs Python, which is not installed: install python3')
      say(`installing Pulumi for Python into ${virtualenv}`)
      rmSync(virtualenv, { recursive: true, force: true })
      await run(base, ['-m', 'venv', virtualenv])
      await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages])
      writeFileSync(`${whole}.part`, '')
      renameSync(`${whole}.part`, whole)
    }, 'pulumi-python')
  }
  return {
    virtualenv,
    python,
    async install(sdk, target) {
      const flags = ['--quiet', '--disable-pip-version-check', '--no-deps', '--no-build-isolation', '--no-index']
      await run(python, ['-m', 'pip', 'install', ...flags, '--target', target, sdk])
    },
  }
}

import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { pulumiSchema } from '../../pulumi-provider/schema/package.ts'
import { pulumiBuildTimeout } from '../servers/pulumi-install.ts'
import { ensurePulumiPython, type PulumiPython } from '../servers/pulumi-python.ts'
import { generateSdks, linkNodeSdk, type Sdks } from '../servers/pulumi-sdk.ts'
import { verifyPems } from './openssl.ts'
import { type PulumiProject, type PulumiWorld, startPulumiWorld } from './pulumi-world.ts'

let world: PulumiWorld
let sdks: Sdks
let python: PulumiPython
beforeAll(async () => {
  world = await startPulumiWorld('pulumi-languages')
  sdks = await generateSdks(pulumiSchema(manifest.version), join(world.scratch.path, 'sdks'))
  python = await ensurePulumiPython()
}, pulumiBuildTimeout)
afterAll(() => world?.stop())

/** The same program in both: settings say how it changes; a secret stands on outputs of a certificate. */
const typescript = `
import * as pulumi from '@pulumi/pulumi'
import * as trustform from '@trustform/pulumi'

const config = new pulumi.Config()
const root = new trustform.CertificateAuthority('root', {
  type: 'root', commonName: 'Acme Root', keyType: 'ec', allowDestroy: true, labels: { team: config.require('team') },
})
const servers = new trustform.Role('servers', {
  ca: root.name, allowedDomains: ['acme.example'], allowSubdomains: true, maxTtl: config.require('maxTtl'),
})
const web = new trustform.Certificate('web', {
  role: servers.name, domains: config.requireObject<string[]>('domains'), ttl: '30d', exportPrivateKey: true,
})
const user = new trustform.Secret('user', {
  path: 'app/web',
  data: { issued: pulumi.interpolate\`\${web.name} under \${web.rootPem}\`, token: config.requireSecret('token') },
})
export const leaf = web.certificatePem
export const chain = web.chainPem
export const key = web.privateKeyPem
export const trust = root.certificatePem
export const path = user.path
`
const pythonic = `
import pulumi
import pulumi_trustform as trustform

config = pulumi.Config()
root = trustform.CertificateAuthority("root", type="root", common_name="Acme Root", key_type="ec",
    allow_destroy=True, labels={"team": config.require("team")})
servers = trustform.Role("servers", ca=root.name, allowed_domains=["acme.example"], allow_subdomains=True,
    max_ttl=config.require("maxTtl"))
web = trustform.Certificate("web", role=servers.name, domains=config.require_object("domains"), ttl="30d",
    export_private_key=True)
user = trustform.Secret("user", path="app/web", data={
    "issued": pulumi.Output.concat(web.name, " under ", web.root_pem), "token": config.require_secret("token")})
pulumi.export("leaf", web.certificate_pem)
pulumi.export("chain", web.chain_pem)
pulumi.export("key", web.private_key_pem)
pulumi.export("trust", root.certificate_pem)
pulumi.export("path", user.path)
`

type Environment = Readonly<Record<string, string>>
const languages: [language: string, prepare: (project: PulumiProject, folder: string) => Promise<Environment>][] = [
  [
    'TypeScript',
    async ({ name, work }, folder) => {
      work.write(join(name, 'Pulumi.yaml'), `name: ${name}\nruntime: nodejs\n`)
      work.write(join(name, 'package.json'), JSON.stringify({ name, main: 'index.ts' }))
      const compilerOptions = { target: 'es2022', module: 'nodenext', strict: true, types: ['node'] }
      work.write(join(name, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['index.ts'] }))
      work.write(join(name, 'index.ts'), typescript)
      await linkNodeSdk(sdks.nodejs, folder)
      return {}
    },
  ],
  [
    'Python',
    async ({ name, work }, folder) => {
      work.write(join(name, 'Pulumi.yaml'), `name: ${name}\nruntime: python\n`)
      work.write(join(name, '__main__.py'), pythonic)
      await python.install(sdks.python, join(folder, 'sdk'))
      symlinkSync(python.virtualenv, join(folder, 'venv'))
      const path = `${join(python.virtualenv, 'bin')}:${world.pulumi.env.PATH}`
      return { PYTHONPATH: join(folder, 'sdk'), PATH: path }
    },
  ],
]

test.each(languages)(
  'a program in %s has the same life',
  async (language, prepare) => {
    const project = await world.project(`in-${language.toLowerCase()}`)
    const folder = join(project.work.folder, project.name)
    project.setEnvironment(await prepare(project, folder))
    const token = 'canary-token-51b0a3'
    const set = (name: string, value: string, ...flags: string[]) =>
      project.demand('config', 'set', name, value, ...flags)
    await set('team', 'pki')
    await set('maxTtl', '90d')
    await set('domains', '["web.acme.example"]')
    await set('token', token, '--secret')

    const created = { root: 'create', servers: 'create', web: 'create', user: 'create' }
    const same = { root: 'same', servers: 'same', web: 'same', user: 'same' }
    const texts: string[] = []
    const steps = async (...args: Parameters<typeof project.do>) => {
      const { steps, text } = await project.do(...args)
      texts.push(text)
      return steps
    }
    expect(await steps('preview')).toEqual(created)
    expect(await steps('up')).toEqual(created)
    expect(await steps('up', '--expect-no-changes')).toEqual(same)

    // In place: nothing that stands on it looks changed.
    await set('team', 'platform')
    await set('maxTtl', '80d')
    const inPlace = { ...same, root: 'update', servers: 'update' }
    expect(await steps('preview')).toEqual(inPlace)
    expect(await steps('up')).toEqual(inPlace)

    const before = (await project.recorded('web')).outputs.serialNumber
    await set('domains', '["web.acme.example", "www.acme.example"]')
    expect(await steps('preview')).toEqual({ ...same, web: 'update' })
    expect(await steps('up')).toEqual({ ...same, web: 'update' })
    expect((await project.recorded('web')).outputs.serialNumber).not.toBe(before)

    const { leaf, chain, key, trust, path } = (await project.outputs()) as Record<string, string> // exported above
    const { ok, output } = verifyPems(project.work.folder, {
      ...{ leaf: leaf ?? '', chain: chain ?? '', key: key ?? '', root: trust ?? '' },
    })
    expect(ok, output).toBe(true)
    expect(path).toBe('app/web')
    const shown = JSON.parse(await project.demand('stack', 'output', '--json'))
    expect(shown).toMatchObject({ key: '[secret]', leaf })

    expect(await steps('destroy')).toEqual({ root: 'delete', servers: 'delete', web: 'delete', user: 'delete' })
    for (const text of texts) expect(text).not.toMatch(new RegExp(`${token}|PRIVATE KEY`))
  },
  240_000,
)

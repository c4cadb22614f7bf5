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
import { manifest as written } from './workspace.ts'

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
  type: 'root', commonName: config.require('commonName'), keyType: 'ec', allowDestroy: true,
  labels: { team: config.require('team') },
})
const servers = new trustform.Role('servers', {
  ca: root.name, allowedDomains: ['acme.example'], allowSubdomains: true, maxTtl: config.require('maxTtl'),
})
const web = new trustform.Certificate('web', {
  role: servers.name, domains: config.requireObject<string[]>('domains'), ttl: '30d', exportPrivateKey: true,
}, { protect: config.getBoolean('protect') })
const user = new trustform.Secret('user', {
  path: 'app/web',
  data: { issued: pulumi.interpolate\`\${web.name} under \${web.rootPem}\`, token: config.requireSecret('token') },
})
if (config.getBoolean('legacy')) {
  const adopt = config.getBoolean('adopt')
  new trustform.CertificateAuthority('legacy', {
    type: 'root', commonName: 'Old Root', keyType: 'ec', adopt, allowDestroy: adopt,
  })
}
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
root = trustform.CertificateAuthority("root", type="root", common_name=config.require("commonName"), key_type="ec",
    allow_destroy=True, labels={"team": config.require("team")})
servers = trustform.Role("servers", ca=root.name, allowed_domains=["acme.example"], allow_subdomains=True,
    max_ttl=config.require("maxTtl"))
web = trustform.Certificate("web", role=servers.name, domains=config.require_object("domains"), ttl="30d",
    export_private_key=True, opts=pulumi.ResourceOptions(protect=config.get_bool("protect")))
user = trustform.Secret("user", path="app/web", data={
    "issued": pulumi.Output.concat(web.name, " under ", web.root_pem), "token": config.require_secret("token")})
if config.get_bool("legacy"):
    adopt = config.get_bool("adopt")
    trustform.CertificateAuthority("legacy", type="root", common_name="Old Root", key_type="ec", adopt=adopt,
        allow_destroy=adopt)
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
    await set('commonName', 'Acme Root')
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

    // A secret is rotated in place.
    const rotated = 'canary-token-8c77d2'
    await set('token', rotated, '--secret')
    expect(await steps('up')).toEqual({ ...same, user: 'update' })

    // Another authority takes what stands on it along.
    await set('commonName', 'Acme Root 2')
    const replaced = { ...same, root: 'replace', web: 'update', user: 'update' }
    expect(await steps('preview')).toEqual(replaced)
    expect(await steps('up')).toEqual(replaced)
    expect(await steps('up', '--expect-no-changes')).toEqual(same)

    // What was renewed elsewhere is seen by a refresh.
    const known = (await project.recorded('web')).outputs.serialNumber
    await project.work.expect(0, ['renew', 'Certificate/web', '--force'])
    await steps('refresh')
    const renewed = (await project.recorded('web')).outputs.serialNumber
    expect(renewed).not.toBe(known)
    expect(await steps('up')).toEqual(same)

    // What the command line made is imported, and taken over when it is asked for.
    const legacy = { type: 'root', commonName: 'Old Root', keyType: 'ec' }
    project.work.write('legacy.yaml', written('CertificateAuthority', 'legacy', legacy))
    await project.work.expect(0, ['apply', '-f', 'legacy.yaml', '--yes'])
    const flags = ['--protect=false', '--generate-code=false']
    await project.do('import', 'trustform:index:CertificateAuthority', 'legacy', 'legacy', ...flags)
    await set('legacy', 'true')
    expect(await steps('up')).toEqual({ ...same, legacy: 'same' })
    await set('adopt', 'true')
    expect(await steps('up')).toEqual({ ...same, legacy: 'update' })
    await set('legacy', 'false')
    expect(await steps('up')).toEqual({ ...same, legacy: 'delete' })

    await set('protect', 'true')
    await steps('up')
    const target = ['--target', project.urn('Certificate', 'web'), '--target-dependents']
    expect((await project.refused('destroy', ...target)).text).toContain('protected')
    await set('protect', 'false')
    await steps('up')
    expect(await steps('destroy', ...target)).toMatchObject({ web: 'delete', user: 'delete' })
    expect(await steps('up')).toEqual({ ...same, web: 'create', user: 'create' })

    expect(await steps('destroy')).toEqual({ root: 'delete', servers: 'delete', web: 'delete', user: 'delete' })
    for (const text of texts) expect(text).not.toMatch(new RegExp(`${token}|${rotated}|PRIVATE KEY`))
  },
  240_000,
)

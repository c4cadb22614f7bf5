// Package providertest runs Pulumi's own acceptance tests for providers against the installed plugin. The Node test
// beside this folder builds it, and gives it the CLI and the plugin by its environment.
package providertest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/providertest/pulumitest"
	"github.com/pulumi/providertest/pulumitest/assertpreview"
	"github.com/pulumi/providertest/pulumitest/assertrefresh"
	"github.com/pulumi/providertest/pulumitest/assertup"
	"github.com/pulumi/providertest/pulumitest/opttest"
)

const program = `name: providertest
runtime: yaml
resources:
  root:
    type: trustform:CertificateAuthority
    properties: { type: root, commonName: Acme Root, keyType: ec, allowDestroy: true }
  servers:
    type: trustform:Role
    properties: { ca: "${root.name}", allowedDomains: [acme.example], allowSubdomains: true, maxTtl: 90d }
  web:
    type: trustform:Certificate
    properties: { role: "${servers.name}", domains: [web.acme.example], ttl: 30d, exportPrivateKey: true }
  tokens:
    type: trustform:Secret
    properties: { path: app/tokens, data: { value: { fn::secret: some-value } } }
outputs:
  certificate: ${web.certificatePem}
  key: ${web.privateKeyPem}
`

const changed = `name: providertest
runtime: yaml
resources:
  root:
    type: trustform:CertificateAuthority
    properties: { type: root, commonName: Acme Root, keyType: ec, allowDestroy: true, labels: { team: pki } }
  servers:
    type: trustform:Role
    properties: { ca: "${root.name}", allowedDomains: [acme.example], allowSubdomains: true, maxTtl: 80d }
  web:
    type: trustform:Certificate
    properties: { role: "${servers.name}", domains: [www.acme.example], ttl: 30d, exportPrivateKey: true }
outputs:
  certificate: ${web.certificatePem}
  key: ${web.privateKeyPem}
`

func required(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set", name)
	}
	return value
}

func source(t *testing.T, text string) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "Pulumi.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// The life of a program; the two ways are those in which the CLI gets at a provider.
func life(t *testing.T, provider opttest.Option) {
	t.Setenv("TRUSTFORM_STATE", "sqlite:"+filepath.Join(t.TempDir(), "state.db"))
	test := pulumitest.NewPulumiTest(t, source(t, program), provider, opttest.SkipInstall())

	test.Preview(t)
	up := test.Up(t)
	assertup.HasNoDeletes(t, up)
	if key := up.Outputs["key"]; !key.Secret {
		t.Error("the private key is no secret output")
	}
	assertpreview.HasNoChanges(t, test.Preview(t))
	assertup.HasNoChanges(t, test.Up(t))
	assertrefresh.HasNoChanges(t, test.Refresh(t))

	test.UpdateSource(t, source(t, changed))
	preview := test.Preview(t)
	assertpreview.HasNoReplacements(t, preview)
	again := test.Up(t)
	assertup.HasNoReplacements(t, again)
	if again.Outputs["certificate"].Value == up.Outputs["certificate"].Value {
		t.Error("another name is no other certificate")
	}
	assertpreview.HasNoChanges(t, test.Preview(t))
	assertrefresh.HasNoChanges(t, test.Refresh(t))
	test.Destroy(t)
}

func TestLocalProviderPath(t *testing.T) {
	life(t, opttest.LocalProviderPath("trustform", required(t, "TRUSTFORM_PLUGIN")))
}

func TestAttachedProvider(t *testing.T) {
	life(t, opttest.AttachProviderBinary("trustform", required(t, "TRUSTFORM_PLUGIN")))
}

// What is imported as it was declared needs no change.
func TestImport(t *testing.T) {
	t.Setenv("TRUSTFORM_STATE", "sqlite:"+filepath.Join(t.TempDir(), "state.db"))
	provider := opttest.LocalProviderPath("trustform", required(t, "TRUSTFORM_PLUGIN"))
	first := pulumitest.NewPulumiTest(t, source(t, program), provider, opttest.SkipInstall())
	first.Up(t)
	// What only the program asks of the provider is no part of the resource.
	plain := strings.NewReplacer(", allowDestroy: true", "", ", exportPrivateKey: true", "", "  key: ${web.privateKeyPem}\n", "")
	second := pulumitest.NewPulumiTest(t, source(t, plain.Replace(program)), provider, opttest.SkipInstall())
	for _, each := range [][]string{
		{"CertificateAuthority", "root"}, {"Role", "servers"}, {"Certificate", "web"}, {"Secret", "tokens"},
	} {
		second.Import(t, "trustform:index:"+each[0], each[1], each[1], "")
	}
	second.Up(t)
	assertpreview.HasNoChanges(t, second.Preview(t))
	first.Destroy(t)
}

// Generates SDKs from a package schema with Pulumi's own generators, as `pulumi package gen-sdk` does through language
// hosts of the same version, which cannot be had as Go modules. Arguments: schema file, folder for the SDKs. Whatever
// Pulumi's binder finds in the schema, warnings too, is printed and fails.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	gogen "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

func main() {
	if err := generate(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate(schemaFile, folder string) error {
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		return err
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return err
	}
	bound, found, err := schema.BindSpec(spec, schema.NewPluginLoader(nil), schema.ValidationOptions{})
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return fmt.Errorf("the schema has mistakes: %v", found)
	}
	files, err := nodejs.GeneratePackage("trustform", bound, nil, nil, false, nil)
	if err != nil {
		return err
	}
	if err := write(filepath.Join(folder, "nodejs"), files); err != nil {
		return err
	}
	if files, err = python.GeneratePackage("trustform", bound, nil, nil); err != nil {
		return err
	}
	if err := write(filepath.Join(folder, "python"), files); err != nil {
		return err
	}
	if files, err = gogen.GeneratePackage("trustform", bound, nil); err != nil {
		return err
	}
	return write(filepath.Join(folder, "go"), files)
}

func write(folder string, files map[string][]byte) error {
	for name, content := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Command pulumi-resource-tls is the provider plugin behind @pulumi/tls: the
// Terraform TLS provider behind the published Pulumi Terraform bridge, with
// the tokens of the published package.
//
// The package schema is made in-process at start (tens of milliseconds), so
// nothing generated has to be kept.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/hashicorp/terraform-provider-tls/shim"
	pf "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	pftfgen "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfgen"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
)

// Version is what the plugin says it is. It is set to @pulumi/tls's version
// with -ldflags "-X main.Version=5.6.1".
var Version = "5.6.1"

func provider() tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:                              pf.ShimProvider(shim.New()),
		Name:                           "tls",
		Description:                    "TLS keys and certificates",
		Version:                        Version,
		GitHubOrg:                      "hashicorp",
		MetadataInfo:                   tfbridge.NewProviderMetadata([]byte(`{}`)),
		EnableZeroDefaultSchemaVersion: true,
		EnableAccurateBridgePreview:    true,
	}
	info.MustComputeTokens(tokens.SingleModule(
		info.GetResourcePrefix()+"_", "index", tokens.MakeStandard("tls")))
	return info
}

func main() {
	go exitWithEngine()
	ctx := context.Background()
	info := provider()
	sink := diag.DefaultSink(io.Discard, io.Discard, diag.FormatOptions{Color: colors.Never})
	res, err := pftfgen.GenerateSchema(ctx, pftfgen.GenerateSchemaOptions{
		ProviderInfo: info, DiagnosticsSink: sink, XInMemoryDocs: true,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-resource-tls: schema:", err)
		os.Exit(1)
	}
	meta := res.ProviderMetadata
	meta.BridgeMetadata = []byte(`{}`)
	pf.Main(ctx, "tls", info, meta)
}

// exitWithEngine ends the plugin when the engine that started it is gone, even
// if it was killed: the engine holds the other end of standard input and never
// writes to it. The bridge itself asks for the engine every five minutes only.
func exitWithEngine() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(1)
}

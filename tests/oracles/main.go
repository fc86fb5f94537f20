// Imagecopy copies and judges images with the newest released go.podman.io/image: what the newest skopeo would do,
// which cannot be had as a module. Tests hold our signatures against it.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"

	"go.podman.io/image/v5/copy"
	"go.podman.io/image/v5/docker/reference"
	"go.podman.io/image/v5/signature"
	"go.podman.io/image/v5/signature/sigstore"
	"go.podman.io/image/v5/transports/alltransports"
	"go.podman.io/image/v5/types"
)

const usage = `usage:
  imagecopy copy [flags] SOURCE DESTINATION
  imagecopy generate-sigstore-key PREFIX PASSPHRASE-FILE`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("%s", usage)
	}
	switch args[0] {
	case "copy":
		return copyImage(args[1:])
	case "generate-sigstore-key":
		return generateKey(args[1:])
	default:
		return fmt.Errorf("unknown command %q\n%s", args[0], usage)
	}
}

// copyFlags are named as skopeo names them, where it has them.
type copyFlags struct {
	policy, registriesDir       string
	signKey, passphrase, signAs string
	all, removeSignatures       bool
}

// copyImage copies an image, or a list with --all, if the policy believes it; registries may be without TLS.
func copyImage(args []string) error {
	var given copyFlags
	set := flag.NewFlagSet("copy", flag.ContinueOnError)
	set.StringVar(&given.policy, "policy", "", "policy.json; default: everything is believed")
	set.StringVar(&given.registriesDir, "registries.d", "", "folder that says where signatures are")
	set.StringVar(&given.signKey, "sign-by-sigstore-private-key", "", "file of the key to sign with")
	set.StringVar(&given.passphrase, "sign-passphrase-file", "", "file whose first line opens the key")
	set.StringVar(&given.signAs, "sign-identity", "", "name that is signed; default: the destination's")
	set.BoolVar(&given.all, "all", false, "all instances of a list")
	set.BoolVar(&given.removeSignatures, "remove-signatures", false, "leave out the signatures of the source")
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() != 2 {
		return fmt.Errorf("%s", usage)
	}
	source, err := alltransports.ParseImageName(set.Arg(0))
	if err != nil {
		return err
	}
	destination, err := alltransports.ParseImageName(set.Arg(1))
	if err != nil {
		return err
	}
	policy, err := loadPolicy(given.policy)
	if err != nil {
		return fmt.Errorf("loading trust policy: %w", err)
	}
	judge, err := signature.NewPolicyContext(policy)
	if err != nil {
		return err
	}
	defer judge.Destroy()
	options, err := given.options()
	if err != nil {
		return err
	}
	_, err = copy.Image(context.Background(), judge, destination, source, options)
	return err
}

func (given copyFlags) options() (*copy.Options, error) {
	system := &types.SystemContext{
		DockerInsecureSkipTLSVerify: types.OptionalBoolTrue,
		RegistriesDirPath:           given.registriesDir,
	}
	options := &copy.Options{
		SourceCtx:                    system,
		DestinationCtx:               system,
		RemoveSignatures:             given.removeSignatures,
		SignBySigstorePrivateKeyFile: given.signKey,
	}
	if given.all {
		options.ImageListSelection = copy.CopyAllImages
	}
	if given.passphrase != "" {
		passphrase, err := firstLine(given.passphrase)
		if err != nil {
			return nil, err
		}
		options.SignSigstorePrivateKeyPassphrase = passphrase
	}
	if given.signAs != "" {
		name, err := reference.ParseNamed(given.signAs)
		if err != nil {
			return nil, err
		}
		options.SignIdentity = name
	}
	return options, nil
}

func loadPolicy(file string) (*signature.Policy, error) {
	if file == "" {
		return signature.NewPolicyFromBytes([]byte(`{"default":[{"type":"insecureAcceptAnything"}]}`))
	}
	return signature.NewPolicyFromFile(file)
}

// generateKey makes PREFIX.private and PREFIX.pub.
func generateKey(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("%s", usage)
	}
	passphrase, err := firstLine(args[1])
	if err != nil {
		return err
	}
	pair, err := sigstore.GenerateKeyPair(passphrase)
	if err != nil {
		return err
	}
	if err := os.WriteFile(args[0]+".private", pair.PrivateKey, 0o600); err != nil {
		return err
	}
	return os.WriteFile(args[0]+".pub", pair.PublicKey, 0o644)
}

func firstLine(file string) ([]byte, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	line, _, _ := bytes.Cut(content, []byte("\n"))
	return line, nil
}

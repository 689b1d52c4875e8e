// Package flagenv fills a command's flags from the environment, so that a
// service has one list of settings, and prints that list as a table, so that a
// README can be held to it by a test.
package flagenv

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// Name returns the environment variable of a flag: prefix "CHOIRLESS" and flag
// "s3-endpoint" give CHOIRLESS_S3_ENDPOINT.
func Name(prefix, flag string) string {
	return prefix + "_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Apply sets every flag that was not given on the command line and whose
// variable is set. It reports all values that do not parse, each with the
// variable's name.
func Apply(fs *pflag.FlagSet, prefix string, lookup func(string) (string, bool)) error {
	var errs []error
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" {
			return
		}
		name := Name(prefix, f.Name)
		if v, ok := lookup(name); ok {
			if err := fs.Set(f.Name, v); err != nil {
				errs = append(errs, fmt.Errorf("%s=%q: %w", name, v, err))
			}
		}
	})
	return errors.Join(errs...)
}

// Table returns the flags as a Markdown table in alphabetical order.
func Table(fs *pflag.FlagSet, prefix string) string {
	var b strings.Builder
	b.WriteString("| flag | environment | default | meaning |\n|---|---|---|---|\n")
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		def := ""
		if f.DefValue != "" && f.DefValue != "[]" {
			def = "`" + f.DefValue + "`"
		}
		fmt.Fprintf(&b, "| `--%s` | `%s` | %s | %s |\n", f.Name, Name(prefix, f.Name), def, f.Usage)
	})
	return b.String()
}

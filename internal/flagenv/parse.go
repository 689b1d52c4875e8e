package flagenv

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
)

// Parse fills the flags from the command line and, where that is silent, from the
// environment; see Apply. It reports all faults, each with its flag or variable: a flag
// whose value does not parse keeps its default, and those after it are read all the
// same. Arguments that belong to no flag are faults, too. pflag.ErrHelp is returned alone.
func Parse(fs *pflag.FlagSet, prefix string, args []string, lookup func(string) (string, bool)) error {
	var errs []error
	err := fs.ParseAll(args, func(f *pflag.Flag, value string) error {
		if err := fs.Set(f.Name, value); err != nil {
			errs = append(errs, err)
			_ = f.Value.Set(f.DefValue) // some are set to nothing by what they refuse
		}
		return nil
	})
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return err
	case err != nil: // an unknown flag; what follows cannot be told apart
		errs = append(errs, err)
	case fs.NArg() > 0:
		errs = append(errs, fmt.Errorf("unexpected arguments %q", fs.Args()))
	}
	return errors.Join(append(errs, Apply(fs, prefix, lookup))...)
}

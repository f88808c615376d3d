// One volume on disk: a sparse file with its own ext4, mounted beside it. Every step can be repeated.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// disk is a volume of one node: dir/node/name.img, mounted at dir/node/name.
type disk struct{ dir, node, name string }

func (d disk) mount() string { return filepath.Join(d.dir, d.node, d.name) }
func (d disk) image() string { return d.mount() + ".img" }

// create makes, formats and mounts the volume. The image gets its name only when it is formatted.
func (d disk) create(size int64) error {
	if err := os.MkdirAll(d.mount(), 0o755); err != nil {
		return err
	}
	if _, err := os.Stat(d.image()); os.IsNotExist(err) {
		fresh := d.image() + ".new"
		if err := os.WriteFile(fresh, nil, 0o600); err != nil {
			return err
		}
		if err := os.Truncate(fresh, size); err != nil {
			return err
		}
		if err := run("mkfs.ext4", "-q", "-F", "-m0", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", fresh); err != nil {
			return err
		}
		if err := os.Rename(fresh, d.image()); err != nil {
			return err
		}
	}
	if mounted, err := isMounted(d.mount()); err != nil || mounted {
		return err
	}
	return run("mount", "-o", "loop,noatime", d.image(), d.mount())
}

// grow enlarges the volume while it is mounted; a larger volume stays as it is.
func (d disk) grow(size int64) error {
	info, err := os.Stat(d.image())
	if err != nil {
		return err
	}
	if info.Size() < size {
		if err := os.Truncate(d.image(), size); err != nil {
			return err
		}
	}
	out, err := exec.Command("losetup", "--noheadings", "--output", "NAME", "--associated", d.image()).Output()
	if err != nil {
		return fmt.Errorf("losetup --associated %s: %w", d.image(), err)
	}
	device := strings.TrimSpace(string(out))
	if device == "" {
		return fmt.Errorf("%s is not mounted: no loop device", d.image())
	}
	if err := run("losetup", "--set-capacity", device); err != nil {
		return err
	}
	return run("resize2fs", device)
}

// remove unmounts and deletes the volume; its loop device goes with the mount.
func (d disk) remove() error {
	mounted, err := isMounted(d.mount())
	if err != nil {
		return err
	}
	if mounted {
		if err := run("umount", d.mount()); err != nil {
			return err
		}
	}
	for _, path := range []string{d.image(), d.image() + ".new", d.mount()} {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

func isMounted(path string) (bool, error) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return false, err
	}
	for _, line := range strings.Split(string(table), "\n") {
		if fields := strings.Fields(line); len(fields) > 4 && fields[4] == path {
			return true, nil
		}
	}
	return false, nil
}

func run(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strconv.Quote(strings.TrimSpace(string(out))))
	}
	return nil
}

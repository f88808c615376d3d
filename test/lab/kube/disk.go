// One volume on disk: a sparse file with its own ext4, mounted beside it. Every step can be repeated.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// errInUse says that a volume can only grow once no pod has it mounted.
var errInUse = errors.New("the volume is in use")

// disk is a volume of one node: a folder dir/node/name with the file image.ext4, mounted at fs.
// While it waits to grow unmounted, its folder is called dir/node/.name: a pod that comes finds no such path, never an empty disk.
type disk struct{ dir, node, name string }

func (d disk) home() string  { return filepath.Join(d.dir, d.node, d.name) }
func (d disk) aside() string { return filepath.Join(d.dir, d.node, "."+d.name) }

// path is what PersistentVolumes name.
func (d disk) path() string { return filepath.Join(d.home(), "fs") }

// place is the folder as it is called now.
func (d disk) place() string {
	if _, err := os.Stat(d.aside()); err == nil {
		return d.aside()
	}
	return d.home()
}

func imageIn(place string) string { return filepath.Join(place, "image.ext4") }
func mountIn(place string) string { return filepath.Join(place, "fs") }

// create makes, formats and mounts the volume. The image gets its name only when it is formatted.
func (d disk) create(size int64) error {
	image, mount := imageIn(d.home()), mountIn(d.home())
	if err := os.MkdirAll(mount, 0o755); err != nil {
		return err
	}
	if _, err := os.Stat(image); os.IsNotExist(err) {
		fresh := image + ".new"
		if err := os.WriteFile(fresh, nil, 0o600); err != nil {
			return err
		}
		if err := os.Truncate(fresh, size); err != nil {
			return err
		}
		if err := run("mkfs.ext4", "-q", "-F", "-m0", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", fresh); err != nil {
			return err
		}
		if err := os.Rename(fresh, image); err != nil {
			return err
		}
	}
	return mountImage(d.home())
}

// grow enlarges the volume: mounted as it is where root has CAP_SYS_RESOURCE, else between two pods (errInUse until then).
func (d disk) grow(size int64) error {
	place := d.place()
	info, err := os.Stat(imageIn(place))
	if err != nil {
		return err
	}
	if info.Size() < size {
		if err := os.Truncate(imageIn(place), size); err != nil {
			return err
		}
	}
	if place == d.home() {
		err := growMounted(place)
		if err == nil || !strings.Contains(err.Error(), "Permission denied to resize") {
			return err
		}
		if err := os.Rename(d.home(), d.aside()); err != nil {
			return err
		}
	}
	return d.growUnmounted()
}

func growMounted(place string) error {
	out, err := exec.Command("losetup", "--noheadings", "--output", "NAME", "--associated", imageIn(place)).Output()
	if err != nil {
		return fmt.Errorf("losetup --associated %s: %w", imageIn(place), err)
	}
	device := strings.TrimSpace(string(out))
	if device == "" {
		return fmt.Errorf("%s is not mounted: no loop device", imageIn(place))
	}
	if err := run("losetup", "--set-capacity", device); err != nil {
		return err
	}
	return run("resize2fs", device)
}

func (d disk) growUnmounted() error {
	image, mount := imageIn(d.aside()), mountIn(d.aside())
	others, err := otherMounts(mount)
	if err != nil {
		return err
	}
	if others > 0 {
		return errInUse
	}
	if err := unmount(mount); err != nil {
		return err
	}
	// Status 1 is 'errors corrected'; resize2fs wants a check of late.
	if err := run("e2fsck", "-f", "-p", image); err != nil && !isStatus(err, 1) {
		return err
	}
	if err := run("resize2fs", image); err != nil {
		return err
	}
	if err := mountImage(d.aside()); err != nil {
		return err
	}
	return os.Rename(d.aside(), d.home())
}

// remove unmounts and deletes the volume; its loop device goes with the mount.
func (d disk) remove() error {
	place := d.place()
	if err := unmount(mountIn(place)); err != nil {
		return err
	}
	for _, path := range []string{imageIn(place), imageIn(place) + ".new", mountIn(place), place} {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

func mountImage(place string) error {
	if device, err := deviceAt(mountIn(place)); err != nil || device != "" {
		return err
	}
	return run("mount", "-o", "loop,noatime", imageIn(place), mountIn(place))
}

func unmount(mount string) error {
	if device, err := deviceAt(mount); err != nil || device == "" {
		return err
	}
	return run("umount", mount)
}

// deviceAt is the major:minor of what is mounted at a path, or empty.
func deviceAt(path string) (string, error) {
	table, err := mountTable()
	for _, row := range table {
		if row[4] == path {
			return row[2], nil
		}
	}
	return "", err
}

// otherMounts counts the further places where the same file system is mounted: kubelets bind it for pods.
func otherMounts(path string) (int, error) {
	device, err := deviceAt(path)
	if err != nil || device == "" {
		return 0, err
	}
	table, err := mountTable()
	count := 0
	for _, row := range table {
		if row[2] == device && row[4] != path {
			count++
		}
	}
	return count, err
}

// mountTable is the rows of mountinfo: field 2 is the device, field 4 the place.
func mountTable() ([][]string, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	var rows [][]string
	for _, line := range strings.Split(string(text), "\n") {
		if fields := strings.Fields(line); len(fields) > 4 {
			rows = append(rows, fields)
		}
	}
	return rows, err
}

func isStatus(err error, status int) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.ExitCode() == status
}

func run(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strconv.Quote(strings.TrimSpace(string(out))))
	}
	return nil
}

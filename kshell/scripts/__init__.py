"""Read, check, run, record and report ``.kshell`` scripts."""

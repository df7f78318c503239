"""``.kshell`` scripts: read, checked, run, recorded and reported."""

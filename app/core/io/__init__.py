"""Reading and writing: what a file is, what belongs together, and the voxels in it, with every doubt said aloud."""

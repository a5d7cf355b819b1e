// SPDX-License-Identifier: Apache-2.0

// Package datasets reads labelled images and hands them to training in batches.
//
// [Open] takes a name (fashion-sample, mnist, fashion-mnist, cifar10) or a path: a folder with one sub-folder of images
// for each class or an archive of one (.tar, .tar.gz, .tgz, .zip), a table of images (.csv), shards of WebDataset (.tar),
// rows (.parquet), arrays of NumPy (.npy, .npz), signals and rows of tables (.csv), a folder of IDX files, or CIFAR-10 in
// its binary form. Images are uint8, channels last (NHWC), in one contiguous slice for each [Split]; those that memory is
// too small for are read from a file. A [Loader] shuffles, augments and prefetches them in the background.
//
// Everything random is a function of a seed: which images are held out, their order in an epoch, how each one is
// cropped and flipped. It does not depend on timing, on the batch size of other runs, or on the machine.
package datasets

"""Support vector regression of MOS on published features, by the protocol of the UGC-VQA benchmark."""

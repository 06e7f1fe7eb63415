"""Networks that ``torch.export.save`` wrote (``.pt2``), read without running code from the file.

torch's own loader trusts its file: it unpickles, evaluates shape expressions, and writes names
into Python source that it executes. Here the file is taken apart first; only what is on an
allow-list goes into a new archive, and only that one is given to torch.
"""

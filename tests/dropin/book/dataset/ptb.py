# ruff: noqa: PTH100, PTH110, PTH120
import os
import urllib.request

url_base = "file:///there/is/no/such/folder/"
dataset_dir = os.path.dirname(os.path.abspath(__file__))


def _download(file_name):
    path = dataset_dir + "/" + file_name
    if os.path.exists(path):
        return
    print("Downloading " + file_name + " ... ")
    urllib.request.urlretrieve(url_base + file_name, path)
    print("Done")

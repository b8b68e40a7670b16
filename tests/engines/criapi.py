# SPDX-License-Identifier: Apache-2.0
"""The client side of the CRI, as a kubelet has it: messages made by protoc, calls by gRPC."""

import importlib
import os
import pathlib
import subprocess
import sys

import harness

os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"  # who is started here does not use our connection

import grpc  # reads the variable above

DEFINITION = pathlib.Path(__file__).resolve().parent.parent.parent / "build/engines/cri"  # by cri-api
SOCKET = "unix:///run/containerd/containerd.sock"
IMAGE_METHODS = ("ImageStatus", "ListImages", "PullImage", "RemoveImage", "ImageFsInfo")


def messages(directory):
    """The module of the messages, made in this directory."""
    os.makedirs(directory, exist_ok=True)
    subprocess.run(["protoc", f"--proto_path={DEFINITION}", f"--python_out={directory}", "api.proto"], check=True)
    sys.path.insert(0, directory)
    return importlib.import_module("api_pb2")


class Refused(harness.Failure):
    """A call that was answered with an error."""

    def __init__(self, method, error):
        super().__init__(f"{method}: {error.code().name}: {error.details()}")
        self.code, self.details = error.code().name, error.details()


class Client:
    """A connection: client("Method", field=...) is the method's response."""

    def __init__(self, api, seconds):
        self.api, self.seconds = api, seconds
        self.channel = grpc.insecure_channel(SOCKET)

    def __call__(self, method, **fields):
        service = "ImageService" if method in IMAGE_METHODS else "RuntimeService"
        call = self.channel.unary_unary(
            f"/runtime.v1.{service}/{method}", request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=getattr(self.api, f"{method}Response").FromString)
        try:
            return call(getattr(self.api, f"{method}Request")(**fields), timeout=self.seconds)
        except grpc.RpcError as error:
            raise Refused(method, error) from None

    def close(self):
        self.channel.close()

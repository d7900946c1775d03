"""Which device runs the model, and in which precision."""

import torch

from modeling.errors import OperatorError


def resolve_device(name: str) -> torch.device:
    """The device of that name; `auto` is CUDA where there is one, else the CPU.

    Raises:
        OperatorError: there is no such device on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise OperatorError(
            f"{name} is not a device; use auto, cpu, cuda or cuda:0, cuda:1, …"
        ) from error
    if device.type not in ("cpu", "cuda"):
        raise OperatorError(f"the device {name} is not supported; use auto, cpu or cuda")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise OperatorError(
            f"there is no device {name}: PyTorch sees {torch.cuda.device_count()} CUDA devices;"
            " use auto or cpu, or install the driver and a PyTorch with CUDA"
        )
    return device


def has_quick_bfloat16(device: torch.device) -> bool:
    """Whether the device computes bfloat16 natively, and so faster than single precision."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


def mixed_precision(device: torch.device) -> torch.autocast:
    """Computes in bfloat16 what may be, where the device is quick at it; a context to enter."""
    return torch.autocast(device.type, torch.bfloat16, enabled=has_quick_bfloat16(device))

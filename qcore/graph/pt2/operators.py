"""Which operators a network from a file may use.

torch resolves an operator by walking attributes from a module (``deserialize_operator`` in
``torch/_export/serde/serialize.py``, 2.13): ``torch.os.system`` resolves. Nor is all of ATen
harmless: ``aten::from_file`` creates and maps a file, ``aten::set_`` and ``aten::resize_`` look at
other memory, ``aten::empty`` shows what another network left in it, and the kernels behind
``aten::batch_norm`` and the like read beyond operands that are too short (those that an export
needs are checked by ``qcore.graph.operand_sizes``). Random numbers are no part of a network. So
the operators are listed: those that a forward pass of a network consists of, without output
arguments. ``NAME_``, which writes to its first argument, goes with ``NAME``.
"""

from __future__ import annotations

import functools
import re

import torch

from qcore.graph.pt2.text import Refused

_ATEN = re.compile(r"torch\.ops\.aten\.([A-Za-z_0-9]{1,60})\.([A-Za-z_0-9]{1,60})", re.ASCII)

# Arithmetic on sizes. No powers and shifts: a few in a row make a number that fills the memory.
_ARITHMETIC = (
    "math.trunc torch.sym_not torch.sym_int torch.sym_float torch.sym_ite torch.sym_max "
    "torch.sym_min torch.sym_sqrt _operator.eq _operator.ne _operator.le _operator.ge _operator.lt "
    "_operator.gt _operator.neg _operator.pos _operator.mul _operator.add _operator.sub "
    "_operator.floordiv _operator.mod _operator.truediv _operator.and_ _operator.or_"
)

_ATEN_FUNCTIONS = """
    __and__ __or__ __xor__ abs acos acosh add addbmm addcdiv addcmul addmm addmv addr
    adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d
    adaptive_max_pool2d adaptive_max_pool3d adjoint affine_grid_generator alias all alpha_dropout
    amax amin aminmax any arange argmax argmin argsort asin asinh atan atan2 atanh atleast_1d
    atleast_2d atleast_3d avg_pool1d avg_pool2d avg_pool3d
    baddbmm batch_norm bilinear bitwise_and bitwise_not bitwise_or bitwise_xor block_diag bmm
    broadcast_tensors broadcast_to bucketize
    cat cdist ceil celu chain_matmul channel_shuffle chunk clamp clamp_max clamp_min clip clone
    col2im column_stack complex concat concatenate conj conj_physical constant_pad_nd contiguous
    conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d convolution
    copy copysign cos cosh cosine_similarity count_nonzero cross cummax cummin cumprod cumsum
    deg2rad detach detach_copy diag diag_embed diagonal diagonal_copy diff dist div divide dot
    dropout dstack
    einsum elu embedding eq erf erfc erfinv exp exp2 expand
    expand_as expand_copy expm1 eye
    feature_alpha_dropout feature_dropout fft_fft fft_fft2 fft_fftn fft_fftshift fft_ifft fft_ifft2
    fft_ifftn fft_ifftshift fft_irfft fft_irfft2 fft_irfftn fft_rfft fft_rfft2 fft_rfftn fill fix
    flatten flip fliplr flipud float_power floor floor_divide fmax fmin fmod frac frobenius_norm
    full full_like
    gather ge gelu glu greater greater_equal grid_sampler grid_sampler_2d grid_sampler_3d
    group_norm gru gru_cell gt
    hardshrink hardsigmoid hardswish hardtanh hstack hypot
    im2col imag index index_add index_copy index_fill index_put index_select inner instance_norm
    isclose isfinite isinf isnan isneginf isposinf item
    kron layer_norm le leaky_relu lerp less less_equal lift_fresh lift_fresh_copy linalg_cross
    linalg_matmul linalg_matrix_norm linalg_multi_dot linalg_norm linalg_vecdot linalg_vector_norm
    linear linspace log log10 log1p log2 log_sigmoid log_softmax logaddexp logaddexp2 logical_and
    logical_not logical_or logical_xor logit logsumexp lstm lstm_cell lt
    mH mT masked_fill masked_scatter masked_select matmul matrix_H max max_pool1d
    max_pool1d_with_indices max_pool2d max_pool2d_with_indices max_pool3d max_pool3d_with_indices
    maximum mean median meshgrid min minimum mish mm mode moveaxis movedim mul multiply mv
    nan_to_num nanmean nansum narrow narrow_copy native_channel_shuffle
    native_group_norm native_layer_norm ne neg negative new_full new_ones
    new_zeros nonzero norm norm_except_dim not_equal numel numpy_T
    one_hot ones ones_like outer
    pad pairwise_distance permute permute_copy pixel_shuffle pixel_unshuffle polar positive pow
    prelu prod
    rad2deg ravel real reciprocal reflection_pad1d reflection_pad2d
    reflection_pad3d relu relu6 remainder renorm repeat repeat_interleave replication_pad1d
    replication_pad2d replication_pad3d reshape reshape_as resolve_conj resolve_neg rms_norm
    rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell roll rot90 round rrelu rsqrt rsub
    scalar_tensor scaled_dot_product_attention scatter scatter_add scatter_reduce searchsorted
    select select_copy select_scatter selu sgn sigmoid sign silu sin sinc sinh slice slice_copy
    slice_scatter softmax softplus softshrink sort special_expit special_log_softmax
    special_softmax split split_copy split_with_sizes split_with_sizes_copy sqrt square squeeze
    squeeze_copy stack std std_mean sub subtract sum sum_to_size swapaxes swapdims sym_numel
    sym_size sym_constrain_range sym_constrain_range_for_size
    t t_copy take take_along_dim tan tanh tensor_split tensordot threshold tile to topk trace
    transpose transpose_copy tril tril_indices triu triu_indices true_divide trunc type_as
    unbind unbind_copy unflatten unfold unfold_copy unsafe_chunk unsafe_split
    unsafe_split_with_sizes unsqueeze unsqueeze_copy upsample_bicubic2d upsample_bilinear2d
    upsample_linear1d upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_trilinear3d
    var var_mean view view_as view_as_complex view_as_real view_copy vstack
    where xlogy zero zeros zeros_like
    _adaptive_avg_pool2d _adaptive_avg_pool3d _assert_async _assert_scalar _assert_tensor_metadata
    _cdist_forward _conj _convolution _fused_rms_norm _local_scalar_dense _log_softmax
    _native_batch_norm_legit_no_training _pdist_forward _prelu_kernel _safe_softmax
    _shape_as_tensor _softmax _to_copy _unsafe_view _upsample_bicubic2d_aa _upsample_bilinear2d_aa
    _upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d _weight_norm
"""

SYMBOLIC = frozenset(_ARITHMETIC.split())
_FUNCTIONS = frozenset(_ATEN_FUNCTIONS.split())


@functools.lru_cache(maxsize=2048)
def check_operator(target: str) -> torch._ops.OpOverload | None:
    """The ATen operator of that name, None for arithmetic on sizes; Refused, by name, otherwise.

    The name is looked up among the dispatcher's before anything is resolved.
    """
    if target in SYMBOLIC:
        return None
    match = _ATEN.fullmatch(target)
    shown = ascii(target.removeprefix("torch.ops."))[:120]
    if match is None:
        what = "a subgraph operator" if ".higher_order." in target else "not of ATen"
        raise Refused(f"uses the operator {shown}, which is {what}; export the network without it")
    name, overload = match.groups()
    base = name[:-1] if name.endswith("_") and not name.endswith("__") else name
    allowed = name in _FUNCTIONS or base in _FUNCTIONS
    if not allowed:
        raise Refused(
            f"uses the operator {shown}, which is not among those read from files; "
            "export the network without it"
        )
    full = f"aten::{name}" + ("" if overload == "default" else f".{overload}")
    if full not in torch._C._dispatch_get_all_op_names():
        raise Refused(
            f"uses the operator {shown}, which this torch has not; export it with torch 2.13"
        )
    operator: torch._ops.OpOverload = getattr(getattr(torch.ops.aten, name), overload)
    if any(argument.is_out for argument in operator._schema.arguments):
        raise Refused(
            f"uses the operator {shown}, which writes to an output argument; "
            "export the network without it"
        )
    return operator

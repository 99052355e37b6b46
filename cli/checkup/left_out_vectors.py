from vitrine.candidates.v1.candidate_service_pb2 import GetIndexStatusResponse
from vitrine.candidates.v1.vector_status_pb2 import VectorFault


def left_out_vectors(status: GetIndexStatusResponse) -> str:
    """Returns which items' named vectors are not compared, and why; empty: all are."""
    told = [
        f"vectors {vectors.name!r}: {left_out.item_count:,} items {_reason(left_out.fault)}"
        for vectors in status.named_vectors
        for left_out in vectors.left_out
    ]
    return "; ".join(told)


def _reason(fault: VectorFault.ValueType) -> str:
    return VectorFault.Name(fault).removeprefix("VECTOR_FAULT_")

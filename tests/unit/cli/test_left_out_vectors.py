from cli.checkup.services import left_out_vectors
from vitrine.candidates.v1.candidate_service_pb2 import GetIndexStatusResponse
from vitrine.candidates.v1.vector_status_pb2 import VECTOR_FAULT_ANOTHER_LENGTH, VECTOR_FAULT_ZERO


def test_what_is_left_out_is_told_by_name_and_reason() -> None:
    status = GetIndexStatusResponse()
    assert not left_out_vectors(status)
    status.named_vectors.add(name="text", dimensions=64, item_count=10)
    assert not left_out_vectors(status)
    picture = status.named_vectors.add(name="picture")
    picture.left_out.add(fault=VECTOR_FAULT_ANOTHER_LENGTH, item_count=1_200)
    picture.left_out.add(fault=VECTOR_FAULT_ZERO, item_count=3)
    assert left_out_vectors(status) == "vectors 'picture': 1,200 items ANOTHER_LENGTH; vectors 'picture': 3 items ZERO"

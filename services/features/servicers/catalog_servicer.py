from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import grpc

from services.common.clock import Clock
from services.common.errors import InvalidArgumentError, OutOfRangeError
from services.common.paging import page_size
from services.common.signing import Signer
from services.common.validation import check_batch, identifier_fault
from services.features.catalog.catalog import Catalog
from services.features.catalog.category_tree import list_branch
from services.features.servicers.category_pages import CategoryPages
from services.features.servicers.read_mask import ReadMask
from services.features.store.times import moment_to_micros, to_micros, update_time_fault
from vitrine.features.v1 import catalog_service_pb2 as pb
from vitrine.features.v1 import catalog_service_pb2_grpc

MAXIMUM_ITEMS = 1_000
MAXIMUM_STATES = 10_000
MAXIMUM_ANSWER_BYTES = 4 * 1024 * 1024

Context = grpc.aio.ServicerContext[Any, Any]


class CatalogServicer(catalog_service_pb2_grpc.CatalogServiceServicer):
    """vitrine.features.v1.CatalogService: validates, calls the catalog, marshals."""

    def __init__(self, catalog: Catalog, clock: Clock, signer: Signer) -> None:
        self._catalog = catalog
        self._clock = clock
        self._category_pages = CategoryPages(signer)

    async def UpsertItems(self, request: pb.UpsertItemsRequest, context: Context) -> pb.UpsertItemsResponse:
        check_batch("updates", request.updates, MAXIMUM_ITEMS)
        return pb.UpsertItemsResponse(results=await self._catalog.upsert(request.updates, self._clock.now()))

    async def DeleteItems(self, request: pb.DeleteItemsRequest, context: Context) -> pb.DeleteItemsResponse:
        check_batch("item_ids", request.item_ids, MAXIMUM_ITEMS)
        now = self._clock.now()
        micros = None
        if request.HasField("delete_time"):
            if fault := update_time_fault("delete_time", request.delete_time, moment_to_micros(now)):
                raise InvalidArgumentError(
                    f"{fault.field} {fault.description}", reason=fault.reason, violations=[fault]
                )
            micros = to_micros(request.delete_time)
        results = [_id_result(place, item_id) for place, item_id in enumerate(request.item_ids)]
        valid = [result.item_id for result in results if not result.status]
        deleted = iter(await self._catalog.delete(valid, now, micros) if valid else ())
        return pb.DeleteItemsResponse(results=[result if result.status else next(deleted) for result in results])

    async def LookupItems(self, request: pb.LookupItemsRequest, context: Context) -> pb.LookupItemsResponse:
        asked = [*request.item_ids, *request.item_nos]
        check_batch("item_ids and item_nos", asked, MAXIMUM_ITEMS)
        mask = ReadMask(request.read_mask.paths)
        by_id = [self._catalog.item_no(item_id) or 0 for item_id in request.item_ids]
        wanted = [*by_id, *request.item_nos]
        items = await self._catalog.read_items(list(dict.fromkeys(wanted)), vectors=mask.vectors)
        response = pb.LookupItemsResponse(
            missing_item_ids=[i for i, no in zip(request.item_ids, by_id, strict=True) if no not in items],
            missing_item_nos=[no for no in request.item_nos if no not in items],
        )
        for item_no in wanted:
            if item_no in items:
                found = response.items.add(item_no=item_no, item=mask.apply(items[item_no]))
                found.create_time.FromMilliseconds(self._catalog.create_millis(item_no))
        return response

    async def LookupItemStates(
        self,
        request: pb.LookupItemStatesRequest,
        context: Context,
    ) -> pb.LookupItemStatesResponse:
        check_batch("item_nos", request.item_nos, MAXIMUM_STATES)
        columns, places = self._catalog.columns, self._catalog.columns.places(request.item_nos)
        return pb.LookupItemStatesResponse(
            flags=columns["flags"][places].tolist(),
            available_from_millis=columns["available_from_millis"][places].tolist(),
            available_until_millis=columns["available_until_millis"][places].tolist(),
            minimum_ages=columns["minimum_age"][places].tolist(),
            group_nos=columns["group_no"][places].tolist(),
            category_nos=columns["category_no"][places].tolist(),
            brand_nos=columns["brand_no"][places].tolist(),
            prices=columns["price"][places].tolist(),
            kinds=columns["kind"][places].tolist(),
            catalog_version=self._catalog.version,
        )

    async def ListCategories(self, request: pb.ListCategoriesRequest, context: Context) -> pb.ListCategoriesResponse:
        size = page_size(request.page_size, default=200, largest=1_000)
        numbers = self._catalog.numbers
        root = numbers.find_category(request.parent.names)
        nodes = list_branch(numbers, self._catalog.columns, root) if root is not None else []
        begin = self._category_pages.start(request, nodes)
        page = nodes[begin : begin + size]
        response = pb.ListCategoriesResponse()
        for node in page:
            category = response.categories.add(category_no=node.category_no, item_count=node.item_count)
            category.path.names.extend(node.names)
            category.parent_category_no = numbers.category_parents[node.category_no]
        if begin + size < len(nodes):
            response.next_page_token = self._category_pages.token(request, page[-1])
        return response

    async def TailCatalog(
        self, request: pb.TailCatalogRequest, context: Context
    ) -> AsyncIterator[pb.TailCatalogResponse]:
        size = page_size(request.batch_size, default=1_000, largest=5_000, field="batch_size")
        if request.after_version > self._catalog.version:
            await self._catalog.follow()  # it may come from another process's answer
        if request.after_version > self._catalog.version:
            raise OutOfRangeError(
                f"after_version is {request.after_version}, the catalog is at {self._catalog.version}; read from 0",
                reason="VERSION_UNKNOWN",
            )
        version = request.after_version
        vectors = request.vectors or not request.brief
        while True:
            end = self._catalog.version
            changes = await self._catalog.read_changes(version, size, vectors=vectors)
            reached = len(changes) < size
            for part in _parts(changes, brief=request.brief):
                version = part[-1].version
                last = reached and part[-1] is changes[-1]
                yield pb.TailCatalogResponse(changes=part, version=end if last else version, caught_up=last)
            if not reached:
                continue
            if not changes:
                yield pb.TailCatalogResponse(version=end, caught_up=True)
            if not request.follow:
                return
            version = end
            while self._catalog.version == version:
                await self._catalog.changes.wait()


def _parts(changes: Sequence[pb.CatalogChange], *, brief: bool) -> Iterator[list[pb.CatalogChange]]:
    """Cuts changes into answers of a size that every client takes."""
    part: list[pb.CatalogChange] = []
    size = 0
    for change in changes:
        if brief and change.HasField("item"):
            change.item.ClearField("description")
        part.append(change)
        size += change.ByteSize()
        if size >= MAXIMUM_ANSWER_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def _id_result(place: int, item_id: str) -> pb.ItemResult:
    """Returns the refusal of a bad id; a result without a status for a good one."""
    fault = identifier_fault(item_id)
    if fault is None:
        return pb.ItemResult(item_id=item_id)
    return pb.ItemResult(
        status=pb.ITEM_STATUS_REJECTED,
        item_id=item_id,
        reason=fault[0],
        field=f"item_ids[{place}]",
        description=fault[1],
    )

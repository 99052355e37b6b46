from threadpoolctl import threadpool_limits


def compute_on_one_thread() -> None:
    """Has this process compute its matrix products on the thread that asks for them, as far as libraries for it have
    been loaded. A request's are too short to be shared: where the cores are busy, BLAS' threads wait for one another.
    """
    threadpool_limits(1, user_api="blas")

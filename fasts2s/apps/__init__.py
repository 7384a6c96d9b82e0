"""Applications of sequence-to-sequence learning: each is one command, ``fasts2s app NAME``.

An application NAME is the module ``fasts2s.apps.NAME`` and a line in :data:`APPS`. The module has two functions:

``add_arguments(parser)``
    adds its options; :func:`fasts2s.apps.arguments.add_common` adds those that all have: ``--out``, ``--overwrite``,
    ``--quick``, ``--seed``, ``--epochs``, ``--backend``.
``run(a)``
    trains as the parsed options ``a`` say, prints a score and examples, leaves a folder
    (:class:`fasts2s.commands.run_folder.RunFolder`), and returns the exit status. With ``a.quick`` it ends within a
    minute, on two slow cores, kernels not yet compiled. :data:`fasts2s.apps.arguments.QUICK_SECONDS` of training are
    what is left for it. Errors of the user's are :class:`fasts2s.commands.errors.CommandError`.

The module is imported when the application is asked for, and imports what is heavy when it runs.

One that learns pairs of texts writes none of this: its ``run`` hands an
:class:`fasts2s.apps.application.Application` to :func:`fasts2s.apps.running.run_application`. Generators of data are
in :mod:`fasts2s.apps.worlds`.
"""

#: Name -> what is learned, in a line.
APPS = {
    "translate": "numbers in words, and sentences of a small grammar, between four languages; or your own pairs",
    "summarise": "headlines of reports, or first lines of the docstrings of Python's library",
    "mail": "replies to mails that repeat their dates, times, places and numbers, in English and Korean",
    "answer": "questions about a small world: who is where",
    "chat": "small talk in English and Korean; or a chat file of your own",
    "program": "what small programs print; letters copied, reversed, sorted",
    "rhyme": "a language model that writes verses; or goes on with a text of your own",
    "caption": "captions of pictures of coloured shapes; then of a picture of your own",
    "tones": "digits in sounds; then in a wave file of your own",
    "ntm": "copying, with a memory beside the network: a Neural Turing Machine",
}

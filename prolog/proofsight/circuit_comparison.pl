:- module(proofsight_circuit_comparison,
          [ shared_kernel/4,            % +KB, ?Circuit, ?Other, ?Kernel
            exclusive_kernel/4,         % +KB, ?Circuit, ?Other, ?Kernel
            kernel_iou/5                % +KB, ?Circuit, ?Other, ?Layer, -IoU
          ]).
:- use_module(library(aggregate), [aggregate_all/3]).
:- use_module(library(lists), [member/2]).
:- use_module(circuit_graph, [known/2]).

/** <module> Two circuits side by side
*/

%!  shared_kernel(+KB, ?Circuit, ?Other, ?Kernel) is nondet.
%
%   Two circuits, of which neither is the other, both have Kernel.

shared_kernel(KB, C, D, kernel(L, O, S, I)) :-
    two(KB, C, D),
    KB:kernel(C, L, O, S, I, _, _, _),
    has_kernel(KB, D, L, O, S, I).

%!  exclusive_kernel(+KB, ?Circuit, ?Other, ?Kernel) is nondet.
%
%   Circuit has Kernel, and Other has not.

exclusive_kernel(KB, C, D, kernel(L, O, S, I)) :-
    two(KB, C, D),
    KB:kernel(C, L, O, S, I, _, _, _),
    \+ has_kernel(KB, D, L, O, S, I).

two(KB, C, D) :-
    known(KB, C),
    known(KB, D),
    C \== D.

has_kernel(KB, C, L, O, S, I) :-
    KB:kernel(C, L, O, S, I, _, _, _),
    !.

%!  kernel_iou(+KB, ?Circuit, ?Other, ?Layer, -IoU) is nondet.
%
%   IoU is how many kernels into Layer two circuits share, of those that
%   either has; for layers where one has some.

kernel_iou(KB, C, D, L, IoU) :-
    two(KB, C, D),
    findall(L0,
            (   KB:kernel(C, L0, _, _, _, _, _, _)
            ;   KB:kernel(D, L0, _, _, _, _, _, _)
            ),
            All),
    sort(All, Layers),
    member(L, Layers),
    aggregate_all(count, KB:kernel(C, L, _, _, _, _, _, _), Own),
    aggregate_all(count, KB:kernel(D, L, _, _, _, _, _, _), Others),
    aggregate_all(count,
                  ( KB:kernel(C, L, O, S, I, _, _, _),
                    has_kernel(KB, D, L, O, S, I)
                  ),
                  Shared),
    IoU is Shared / float(Own + Others - Shared).

:- module(proofsight_allowed,
          [ vocabulary/2,               % ?Name, ?Arity
            pure/2,                     % ?Name, ?Arity
            meta/2,                     % ?Name, ?Arity
            reserved/1                  % +Head
          ]).
:- use_module(annex_words, [annex_word/2]).

/** <module> What goals may call

Tables of predicates, which safety.pl goes by.  Text built-ins that can
double their output are not among them: they outgrow a process before any
limit looks up.
*/

%!  vocabulary(?Name, ?Arity) is nondet.
%
%   The predicates that every revision has.

vocabulary(class, 2).
vocabulary(decision, 2).
vocabulary(score, 3).
vocabulary(points, 3).
vocabulary(active, 2).
vocabulary(derived, 2).
vocabulary(ab, 2).
vocabulary(rule, 2).
vocabulary(value, 3).
vocabulary(measured, 3).
vocabulary(predicted, 3).
vocabulary(label, 3).
vocabulary(proposition, 3).
vocabulary(layer, 4).
vocabulary(reads, 2).
vocabulary(rule_stats, 2).
vocabulary(policy, 1).
vocabulary(default_class, 1).
vocabulary(base_points, 2).
vocabulary(class_order, 1).
vocabulary(Name, Arity) :-
    annex_word(Name, Arity).

%!  pure(?Name, ?Arity) is nondet.
%
%   Built-ins without side effects and without goals among their arguments.

pure(true, 0).                          % control
pure(fail, 0).
pure(false, 0).
pure(=, 2).                             % unification and comparison
pure(\=, 2).
pure(==, 2).
pure(\==, 2).
pure(@<, 2).
pure(@=<, 2).
pure(@>, 2).
pure(@>=, 2).
pure(compare, 3).
pure(is, 2).                            % arithmetic
pure(=:=, 2).
pure(=\=, 2).
pure(<, 2).
pure(=<, 2).
pure(>, 2).
pure(>=, 2).
pure(succ, 2).
pure(plus, 3).
pure(between, 3).
pure(var, 1).                           % types
pure(nonvar, 1).
pure(atom, 1).
pure(number, 1).
pure(integer, 1).
pure(float, 1).
pure(atomic, 1).
pure(compound, 1).
pure(callable, 1).
pure(is_list, 1).
pure(string, 1).
pure(ground, 1).
pure(functor, 3).                       % terms
pure(arg, 3).
pure(=.., 2).
pure(copy_term, 2).
pure(length, 2).                        % lists
pure(member, 2).
pure(memberchk, 2).
pure(append, 2).
pure(append, 3).
pure(reverse, 2).
pure(nth0, 3).
pure(nth1, 3).
pure(last, 2).
pure(select, 3).
pure(subtract, 3).
pure(intersection, 3).
pure(union, 3).
pure(delete, 3).
pure(list_to_set, 2).
pure(sort, 2).
pure(sort, 4).
pure(msort, 2).
pure(keysort, 2).
pure(pairs_keys_values, 3).
pure(pairs_keys, 2).
pure(pairs_values, 2).
pure(sum_list, 2).
pure(max_list, 2).
pure(min_list, 2).
pure(max_member, 2).
pure(min_member, 2).
pure(numlist, 3).
pure(atom_length, 2).                   % text, never longer than what came in
pure(atom_chars, 2).
pure(atom_codes, 2).
pure(atom_number, 2).
pure(char_code, 2).
pure(sub_atom, 5).
pure(upcase_atom, 2).
pure(downcase_atom, 2).

%!  meta(?Name, ?Arity) is nondet.
%
%   Built-ins whose arguments are goals, which are walked in their turn.

meta(',', 2).
meta(;, 2).
meta(->, 2).
meta(*->, 2).
meta(\+, 1).
meta(once, 1).
meta(ignore, 1).
meta(forall, 2).
meta(findall, 3).
meta(findall, 4).
meta(aggregate_all, 3).
meta(at_least, 2).
meta(call, Arity) :- between(1, 8, Arity).

%!  reserved(+Head) is semidet.
%
%   Head names a predicate that `user.pl` may not define.

reserved(Head) :-
    functor(Head, Name, Arity),
    (   vocabulary(Name, Arity)
    ;   pure(Name, Arity)
    ;   meta(Name, Arity)
    ;   predicate_property(system:Head, defined)
    ;   sub_atom(Name, 0, _, _, $)
    ),
    !.

:- module(proofsight_words,
          [ class/2,                    % ?Image, ?Class
            decision/2,                 % ?Image, ?Class
            score/3,                    % ?Image, ?Class, ?Points
            points/3,                   % ?Image, ?Class, ?Points
            active/2,                   % ?Image, ?Proposition
            derived/2,                  % ?Image, ?Proposition
            ab/2,                       % ?Rule, ?Image
            rule/2,                     % ?Rule, ?Image
            value/3,                    % ?Image, ?Proposition, ?Value
            measured/3,                 % ?Image, ?Proposition, ?Value
            predicted/3,                % ?Image, ?Class, ?Probability
            proposition/3,              % ?Name, ?Feature, ?Threshold
            layer/4,                    % ?Layer, ?Module, ?Kind, ?Size
            reads/2,                    % ?Layer, ?Module
            label/3,                    % ?Proposition, ?Label, ?By
            rule_stats/2,               % ?Rule, ?Statistics
            policy/1,                   % ?Policy
            default_class/1,            % ?Class
            class_order/1,              % ?Classes
            base_points/2               % ?Class, ?Points
          ]).
:- use_module('../annex_words', [annex_word/2]).
:- use_module(current, [the_current/1]).
:- use_module(naming, [tell_unknown/3]).

/** <module> At the prompt: the words of a knowledge base

Each is called in the knowledge base that is spoken of; so are the words of
annexes, of which annex_words.pl has the table.
*/

%!  class(?Image, ?Class) is nondet.
%!  decision(?Image, ?Class) is nondet.
%!  score(?Image, ?Class, ?Points) is nondet.
%!  points(?Image, ?Class, ?Points) is nondet.
%!  active(?Image, ?Proposition) is nondet.
%!  derived(?Image, ?Proposition) is nondet.
%!  ab(?Rule, ?Image) is nondet.
%!  rule(?Rule, ?Image) is nondet.
%!  value(?Image, ?Proposition, ?Value) is nondet.
%!  measured(?Image, ?Proposition, ?Value) is nondet.
%!  predicted(?Image, ?Class, ?Probability) is nondet.
%!  proposition(?Name, ?Feature, ?Threshold) is nondet.
%!  layer(?Layer, ?Module, ?Kind, ?Size) is nondet.
%!  reads(?Layer, ?Module) is nondet.
%!  label(?Proposition, ?Label, ?By) is nondet.
%!  rule_stats(?Rule, ?Statistics) is nondet.
%!  policy(?Policy) is semidet.
%!  default_class(?Class) is semidet.
%!  class_order(?Classes) is semidet.
%!  base_points(?Class, ?Points) is nondet.
%
%   As the knowledge base has it.

%   Where such a word has no answer, arguments that name nothing are told;
%   below is what the arguments name.

term_expansion(word(Kinds), Clause) :-
    functor(Kinds, Name, Arity),
    functor(Head, Name, Arity),
    Clause = (Head :- the_current(KB), answered(Kinds, Head, KB)).
term_expansion(annex_words, Clauses) :-
    findall(Clause,
            ( annex_word(Name, Arity), word_clause(Name, Arity, Clause) ),
            Clauses).

word(class(image, class)).
word(decision(image, class)).
word(score(image, class, any)).
word(points(image, class, any)).
word(active(image, proposition)).
word(derived(image, proposition)).
word(ab(rule, image)).
word(rule(rule, image)).
word(value(image, proposition, any)).
word(measured(image, proposition, any)).
word(predicted(image, class, any)).
word(proposition(proposition, any, any)).
word(layer(layer, any, any, any)).
word(reads(layer, any)).
word(label(proposition, any, any)).
word(rule_stats(rule, any)).
word(policy(any)).
word(default_class(class)).
word(class_order(any)).
word(base_points(class, any)).

answered(Kinds, Head, KB) :-
    (   KB:Head
    *-> true
    ;   tell_unknown(Kinds, Head, KB),
        fail
    ).

%   The words of annexes, as the knowledge base has them:
%
%       feeds(C, A, B) :- the_current(KB), KB:feeds(C, A, B).

word_clause(Name, Arity, (:- export(Name/Arity))).
word_clause(Name, Arity, (Head :- the_current(KB), KB:Head)) :-
    functor(Head, Name, Arity).

annex_words.

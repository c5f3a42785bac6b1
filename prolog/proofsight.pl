:- module(proofsight,
          [ knowledge_base/1,           % +Directory
            load_image/2,               % +File, ?Image
            load_image/3,               % +File, ?Image, +Options
            why/1,                      % :Goal
            why/2,                      % ?Image, ?Class
            why_not/2,                  % ?Image, +Class
            why_not/3,                  % ?Image, +Class, +Options
            flip/2,                     % ?Image, ?Class
            flip/3,                     % ?Image, ?Class, -Changes
            rules/0,
            rules/1,                    % +Class
            proof/2,                    % :Goal, -Proof
            proof/3,                    % :Goal, -Proof, +Options
            show/1,                     % +Proof

            class/2,                    % ?Image, ?Class
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
:- use_module(proofsight/prompt/change, [flip/2, flip/3]).
:- use_module(proofsight/prompt/current, [knowledge_base/1]).
:- use_module(proofsight/prompt/explanation,
              [proof/2, proof/3, show/1, why/1, why/2, why_not/2, why_not/3]).
:- use_module(proofsight/prompt/image, [load_image/2, load_image/3]).
:- use_module(proofsight/prompt/rules, [rules/0, rules/1]).
:- reexport(proofsight/prompt/words).

/** <module> Proofsight at the prompt

    ?- use_module(library(proofsight)).
    ?- knowledge_base('repository/digits/3').
    ?- load_image('seven.png', Image), why(Image, Class).

The words of the knowledge base, and the predicates of its `user.pl`, can
be called like any others; they speak of the one loaded last.

This file only says what there is; each of its predicates stands in a file
of `proofsight/prompt/`.
*/
